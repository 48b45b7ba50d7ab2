/** Uploads that were begun and not ended: all that the server keeps, whoever began them. */

import { api } from './api.js';
import { make, pushButton } from './dom.js';
import { formatBytes, formatRelative } from './format.js';

/** @import { Locale } from './locale.js' */
/** @import { UploadView } from './types.js' */

/**
 * Those that this page does not show already, as its own. Pure.
 * @param {UploadView[]} all
 * @param {{plan: {id: string | null}}[]} own
 */
export const othersOf = (all, own) => all.filter(({ id, image }) => (
    image === null && !own.some(({ plan }) => plan.id === id)));

export class UnfinishedRows {
    /** @type {UploadView[]} */
    #all = [];
    #list = make('ul', { class: 'rows uploads' });
    #own;
    #locale;
    #fail;

    /**
     * @param {() => {plan: {id: string | null}}[]} own the uploads of this page
     * @param {Locale} locale
     * @param {(error: unknown) => void} fail says why one could not be discarded
     */
    constructor(own, locale, fail) {
        this.#own = own;
        this.#locale = locale;
        this.#fail = fail;
        this.element = make('section', { hidden: true },
            make('h4', {}, locale.text('uploads_unfinished')), this.#list);
    }

    async load() {
        this.#all = await api.uploads();
        this.update();
    }

    update() {
        const shown = othersOf(this.#all, this.#own());
        this.element.hidden = shown.length === 0;
        this.#list.replaceChildren(...shown.map((upload) => this.#row(upload)));
    }

    /** @param {UploadView} upload */
    #row(upload) {
        const { language } = this.#locale;
        const words = [
            this.#locale.text('upload_of', {
                done: formatBytes(upload.offset, language), total: formatBytes(upload.size_bytes, language) }),
            this.#locale.text('share_ends', {
                when: formatRelative(upload.expires, Date.now() / 1000, language) }),
        ];
        const discard = pushButton(this.#locale.text('upload_discard'), async () => {
            discard.disabled = true;
            try {
                await api.abortUpload(upload.id);
            } catch (error) {
                this.#fail(error);
            }
            await this.load().catch(() => {});
        });
        discard.setAttribute('aria-label', this.#locale.text('upload_discard_of', { name: upload.name }));
        return make('li', { class: 'row' },
            make('div', { class: 'row-text' }, make('strong', {}, upload.name),
                make('span', { class: 'quiet' }, words.join(' · '))),
            make('div', { class: 'row-buttons' }, discard));
    }
}
