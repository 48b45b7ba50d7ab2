/** Sends files to the server; continues after pauses, lost connections and reloads. */

import { ApiError, api } from './api.js';
import { recall, remember } from './memory.js';
import { UploadPlan, fileKey, rememberedIn, unfinishedIn, withRemembered } from './upload_plan.js';

const STORED = 'uploads';
const ABORT_PAUSES_MS = Object.freeze([200, 500, 1000, 2000]);

export class Upload {
    #abort = new AbortController();
    #wakeUp = () => {};
    #running = false;
    #file;
    #onchange;

    /**
     * @param {File} file
     * @param {(upload: Upload) => void} onchange
     */
    constructor(file, onchange) {
        this.#file = file;
        this.#onchange = onchange;
        this.key = fileKey(file);
        this.name = file.name;
        this.cancelled = false;
        this.plan = new UploadPlan(file.size, rememberedIn(recall(STORED))[this.key]?.id ?? null);
        window.addEventListener('online', () => this.#wakeUp());
    }

    /** Goes on until it is over or paused. */
    async run() {
        if (this.#running) {
            return;
        }
        this.#running = true;
        for (let step = this.plan.next(); step.do !== 'nothing'; step = this.plan.next()) {
            this.#abort = new AbortController();
            await this.#perform(step).catch((error) => {
                this.plan.failed(error instanceof ApiError ? error : new ApiError(0));
            });
            if (this.plan.gone || this.cancelled) {
                this.#remember(null);
            }
            this.#onchange(this);
        }
        this.#running = false;
    }

    /** @param {import('./upload_plan.js').Step} step */
    async #perform(step) {
        if (step.do === 'begin') {
            const upload = await api.beginUpload(this.name, this.#file.size);
            if (this.cancelled) { // before there was anything to take back
                await abortAt(upload.id);
                return;
            }
            this.#remember(upload);
            this.plan.told(upload);
        } else if (step.do === 'ask') {
            this.plan.told(await api.upload(step.id));
        } else if (step.do === 'send') {
            const began = performance.now();
            const piece = this.#file.slice(step.from, step.to);
            const upload = await api.append(step.id, step.from, piece, this.#abort.signal);
            this.plan.sent(upload, performance.now() - began);
        } else if (step.do === 'wait') {
            await new Promise((resolve) => {
                this.#wakeUp = () => resolve(undefined);
                setTimeout(resolve, step.ms);
            });
            this.plan.wake();
        }
    }

    /** @param {{id: string, expires: number} | null} upload */
    #remember(upload) {
        remember(STORED, withRemembered(recall(STORED), this.key, upload, Date.now() / 1000));
    }

    pause() {
        this.plan.pause();
        this.#abort.abort();
        this.#wakeUp();
        this.#onchange(this);
    }

    /** Goes on after a pause; without one, this does nothing. */
    resume() {
        this.plan.resume();
        this.#onchange(this);
        this.run();
    }

    /** Takes it back, here and at the server. */
    async cancel() {
        this.cancelled = true;
        this.pause();
        this.#remember(null);
        if (this.plan.id) {
            await abortAt(this.plan.id);
        }
        this.#onchange(this);
    }
}

/**
 * Takes an upload back at the server, which may still be writing the piece that was cut off; what
 * stays there expires by itself, and can be seen and discarded before.
 * @param {string} id
 */
async function abortAt(id) {
    for (const pause of ABORT_PAUSES_MS) {
        try {
            await api.abortUpload(id);
            return;
        } catch (error) {
            if (!(error instanceof ApiError && error.reason === 'conflict')) {
                return;
            }
            await new Promise((resolve) => {
                setTimeout(resolve, pause);
            });
        }
    }
}

/** The uploads of this page; they go on while dialogs come and go. */
export class Uploads {
    /** @type {Upload[]} */
    list = [];
    /** @type {Set<() => void>} */
    #listeners = new Set();

    constructor() {
        window.addEventListener('beforeunload', (event) => {
            if (this.list.some(({ plan }) => plan.going)) {
                event.preventDefault(); // the browser asks whether to leave
            }
        });
    }

    /** The names of files that wait to be chosen again, after a reload. */
    get unfinished() {
        return unfinishedIn(recall(STORED), Date.now() / 1000)
            .filter(({ key }) => !this.list.some((each) => each.key === key)).map(({ name }) => name);
    }

    /** @param {() => void} listener @returns {() => void} stops listening */
    listen(listener) {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    /** @param {File} file */
    add(file) {
        const same = this.list.find(({ key }) => key === fileKey(file));
        if (same && !same.plan.over) {
            same.resume();
            return same;
        }
        this.list = this.list.filter((each) => each !== same);
        const upload = new Upload(file, () => this.#changed());
        this.list.push(upload);
        upload.run();
        this.#changed();
        return upload;
    }

    #changed() {
        this.list = this.list.filter(({ cancelled }) => !cancelled);
        for (const listener of this.#listeners) {
            listener();
        }
    }

    /** Forgets those that are over. @param {Upload} upload */
    dismiss(upload) {
        this.list = this.list.filter((each) => each !== upload);
        this.#changed();
    }
}
