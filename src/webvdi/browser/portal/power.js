/** Doing things to machines: the same on the list and beside the screen, with the same questions. */

import { ApiError, api } from './api.js';
import { untilOff } from './await_state.js';
import { Box, wordsOf } from './box.js';
import { make, pushButton } from './dom.js';
import { textInput } from './fields.js';

/** @import { Locale } from './locale.js' */
/** @import { MachineAction } from './machine_view.js' */
/** @import { MachineView, Verb } from './types.js' */

const GRACE_S = 120;
/** How much longer than the guest is given it may take to hear of its end. */
const LATE_MS = 15000;
/** A proxy waited no longer than it does: the machine goes on, and its state will tell. */
const GIVEN_UP = [504, 524];

/**
 * @typedef {object} PowerPage what the page around does
 * @property {() => Locale} locale
 * @property {(words: string, button?: {words: string, act: () => void}) => void} toast
 * @property {() => void} changed something was done: look again
 */

export class Power {
    #page;

    /** @param {PowerPage} page */
    constructor(page) {
        this.#page = page;
    }

    /**
     * Does it, after asking where something could be lost.
     * @param {MachineAction} action
     * @param {MachineView} view
     * @returns {Promise<MachineView | null> | void} the machine once it is done; null where it
     *     failed; nothing where a question comes first
     */
    run(action, view) {
        switch (action) {
            case 'start': case 'pause': case 'resume': case 'save':
                return this.#act(view, action);
            case 'stop': return this.#stop(view);
            case 'off': return this.#askOff(view);
            case 'discard': return this.#askDiscard(view);
            case 'restart': return this.#askRestart(view);
            case 'delete': return this.#askDelete(view);
            default: return undefined;
        }
    }

    /** @param {string} key @param {Record<string, string>} [values] */
    #text(key, values) {
        return this.#page.locale().text(key, values);
    }

    /**
     * @param {MachineView} view
     * @param {Verb} verb
     * @param {{graceful?: boolean, timeout_s?: number}} [how]
     * @returns {Promise<MachineView | null>} as it is then; null where it failed, which is said
     */
    async #act(view, verb, how = {}) {
        try {
            return await api.act(view.id, verb, how);
        } catch (error) {
            const status = error instanceof ApiError ? error.status : 0;
            if (error instanceof ApiError && error.reason === 'still_running') {
                this.#page.toast(this.#text('still_running', { name: view.title }), this.#offerOff(view));
            } else if (verb === 'stop' && how.graceful && GIVEN_UP.includes(status)) {
                return await this.#waitOff(view);
            } else if (!GIVEN_UP.includes(status)) {
                this.#page.toast(wordsOf(error, this.#page.locale()));
            }
            return null;
        } finally {
            this.#page.changed();
        }
    }

    /** The answer was cut off, not the shutdown. @param {MachineView} view */
    async #waitOff(view) {
        this.#page.toast(this.#text('stopping_waits', { name: view.title }), this.#offerOff(view));
        const off = await untilOff(() => api.machine(view.id), { for_ms: GRACE_S * 1000 + LATE_MS });
        if (!off) {
            this.#page.toast(this.#text('still_running', { name: view.title }), this.#offerOff(view));
        }
        return off;
    }

    /** @param {MachineView} view */
    #offerOff(view) {
        return { words: this.#text('action.off'), act: () => this.#askOff(view) };
    }

    /** The guest is asked; whoever cannot wait may switch it off meanwhile. @param {MachineView} view */
    #stop(view) {
        this.#page.toast(this.#text('stopping_asked', { name: view.title }),
            view.can.includes('kill') ? this.#offerOff(view) : undefined);
        return this.#act(view, 'stop', { graceful: true, timeout_s: GRACE_S });
    }

    /** @param {MachineView} view */
    #off(view) {
        // Its disks are flushed; also while it shuts down, which is then not waited for any more.
        return view.can.includes('stop') ? this.#act(view, 'stop', { graceful: false })
            : this.#act(view, 'kill');
    }

    /** @param {MachineView} view */
    #askOff(view) {
        this.#ask(this.#text('off_title', { name: view.title }), this.#text('off_text'), [
            [this.#text('confirm.off'), 'danger', () => this.#off(view)],
        ]);
    }

    /** @param {MachineView} view */
    #askDiscard(view) {
        this.#ask(this.#text('discard_title', { name: view.title }), this.#text('discard_text'), [
            [this.#text('confirm.discard'), 'danger', () => this.#act(view, 'kill')],
        ]);
    }

    /** @param {MachineView} view */
    #askRestart(view) {
        /** @type {[string, string, () => unknown][]} */
        const answers = [[this.#text('restart_reset'), 'danger', () => this.#act(view, 'reset')]];
        if (view.kind === 'machine') { // once it is down, a display cannot be started from here
            answers.push([this.#text('restart_gently'), 'primary', async () => {
                if (await this.#act(view, 'stop', { graceful: true, timeout_s: GRACE_S })) {
                    await this.#act(view, 'start');
                }
            }]);
        }
        this.#ask(this.#text('restart_title', { name: view.title }),
            view.kind === 'machine' ? this.#text('restart_text') : this.#text('restart_display_text'),
            answers);
    }

    /**
     * @param {string} title
     * @param {string} words
     * @param {[string, string, () => unknown][]} answers words, look, what to do
     */
    #ask(title, words, answers) {
        const box = new Box(title, this.#page.locale());
        box.body.append(make('p', {}, words));
        box.foot(
            pushButton(this.#text('cancel'), () => box.close()),
            make('span', { class: 'spring' }),
            ...answers.map(([label, look, act]) => pushButton(label, () => {
                box.close();
                act();
            }, look)),
        ).show();
    }

    /** Deleting is for good: the name is typed before. @param {MachineView} view */
    #askDelete(view) {
        const box = new Box(this.#text('delete_title', { name: view.title }), this.#page.locale());
        const remove = box.submit(this.#text('confirm.delete'), async () => {
            await api.remove(view.id);
            box.close();
            this.#page.toast(this.#text('deleted', { name: view.title }));
            this.#page.changed();
        }, 'danger');
        remove.disabled = true;
        const name = textInput('confirm', {
            autocapitalize: 'off', placeholder: view.name, autofocus: true,
            oninput: () => {
                remove.disabled = name.value.trim() !== view.name;
            },
        });
        const kept = view.disks.filter((disk) => !disk.ours).map((disk) => disk.path);
        box.body.append(
            make('p', {}, this.#text('delete_text')),
            ...kept.length === 0 ? [] : [make('p', { class: 'quiet' },
                this.#text('delete_kept', { files: kept.join(', ') }))],
            make('label', {}, this.#text('delete_confirm', { name: view.name }), name));
        box.foot(pushButton(this.#text('cancel'), () => box.close()),
            make('span', { class: 'spring' }), remove).show();
    }
}
