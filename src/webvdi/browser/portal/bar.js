/** What the buttons of the tool bar do. */

import { ViewerError } from '../viewer/errors.js';
import { log } from '../viewer/log.js';
import { openHelp, openText } from './dialogs.js';
import { leave } from './leaving.js';
import { LANGUAGES, loadLocale } from './locale.js';
import { powerActions } from './machine_view.js';
import { remember } from './memory.js';
import { openMenu } from './menu.js';
import { button } from './page_elements.js';
import { openShares } from './shares.js';
import { toast } from './toast.js';

/** @import { Viewer } from '../viewer/viewer.js' */
/** @import { Locale } from './locale.js' */
/** @import { Power } from './power.js' */
/** @import { Readout } from './readout.js' */
/** @import { Side } from './side.js' */
/** @import { Size, Sizing } from './sizing.js' */
/** @import { MachineView } from './types.js' */

/**
 * @typedef {object} BarPage what is around the tool bar
 * @property {Viewer} viewer
 * @property {Power} power
 * @property {Side} side
 * @property {{locale: Locale, view: MachineView | null, guestText: string}} page
 * @property {(locale: Locale) => void} speak
 * @property {Sizing} sizing
 * @property {Readout} readout
 * @property {() => void} showChoices
 */

class Bar {
    /** @param {BarPage} around */
    constructor(around) {
        this.around = around;
        this.viewer = around.viewer;
    }

    /** @param {string} key */
    text(key) {
        return this.around.page.locale.text(key);
    }

    async saveScreenshot() {
        const { viewer } = this;
        if (!viewer.hasPicture) {
            toast(this.text('screenshot_failed'));
            return;
        }
        const link = document.createElement('a');
        link.href = URL.createObjectURL(await viewer.screenshot());
        const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
        link.download = `${viewer.name || 'webvdi'}-${time}.png`;
        link.click();
        URL.revokeObjectURL(link.href);
    }

    /** @param {string} words */
    sendClipboard(words) {
        try {
            this.viewer.sendClipboard(words);
            toast(this.text('clipboard_sent'));
        } catch (error) {
            toast(this.text(`error.${error instanceof ViewerError ? error.code : 'protocol'}`));
        }
    }

    toggleComposing() {
        const composing = !this.viewer.composing;
        this.viewer.setComposing(composing);
        toast(this.text(composing ? 'composing_on' : 'composing_off'));
        this.around.showChoices();
    }

    toggleViewOnly() {
        this.viewer.setViewOnly(!this.viewer.viewOnly);
        toast(this.text(this.viewer.viewOnly ? 'view_only_on' : 'view_only_off'));
        this.around.showChoices();
    }

    toggleReadout() {
        this.around.readout.toggle();
        const { readout, page } = this.around;
        readout.show(this.viewer.state === 'live' ? this.viewer.stats() : null, page.locale);
        this.around.showChoices();
    }

    toggleFullscreen() {
        (document.fullscreenElement ? document.exitFullscreen()
            : document.documentElement.requestFullscreen({ navigationUI: 'hide' }))
            .catch((error) => log.warn(error));
        this.viewer.focus();
    }

    openText() {
        openText(this.around.page.guestText, {
            type: (words) => this.viewer.sendText(words),
            clipboard: (words) => this.sendClipboard(words),
            copied: () => toast(this.text('clipboard_copied')),
            closed: () => this.viewer.focus(),
        });
    }

    openPower() {
        const { page: { view }, power } = this.around;
        const actions = view ? powerActions(view) : [];
        if (!view || actions.length === 0) {
            toast(this.text('power_nothing'));
            return;
        }
        openMenu(button('power'), actions.map((action) => ({
            words: this.text(`action.${action}`),
            act: () => {
                power.run(action, view);
                this.viewer.focus();
            },
        })));
    }

    openShares() {
        const { view, locale } = this.around.page;
        if (view) {
            openShares(view, locale, { toast, closed: () => this.viewer.focus() });
        }
    }

    listen() {
        const { side, sizing, showChoices, speak } = this.around;
        button('back').onclick = () => location.assign('./?all=1');
        button('fullscreen').onclick = () => this.toggleFullscreen();
        button('fullscreen').hidden = !document.fullscreenEnabled;
        button('keyboard').onclick = button('composing').onclick = () => this.toggleComposing();
        button('text').onclick = () => this.openText();
        button('power').onclick = () => this.openPower();
        button('people').onclick = () => side.toggle('people');
        button('share').onclick = () => this.openShares();
        button('machine').onclick = () => side.open('settings');
        button('console').onclick = () => side.open('console');
        button('journal').onclick = () => side.open('journal');
        button('screenshot').onclick = () => this.saveScreenshot();
        button('view-only').onclick = () => this.toggleViewOnly();
        button('show-readout').onclick = () => this.toggleReadout();
        button('sign-out').onclick = () => leave(this.around.page.locale);
        button('help').onclick = () => openHelp(() => this.viewer.focus());
        for (const each of document.querySelectorAll('[data-scale]')) {
            each.addEventListener('click', () => {
                sizing.set(/** @type {Size} */ (each.getAttribute('data-scale')));
                showChoices();
            });
        }
        for (const language of LANGUAGES) {
            document.querySelector(`[data-language=${language}]`)?.addEventListener('click', async () => {
                remember('language', language);
                speak(await loadLocale(language));
            });
        }
    }
}

/** @param {BarPage} around */
export const listenToBar = (around) => new Bar(around).listen();
