/** What a new machine can be made from: guests, images, and files yet to be uploaded. */

import { api } from './api.js';
import { wordsOf } from './box.js';
import { make } from './dom.js';
import { formatBytes, percentOf, phaseWords } from './format.js';
import { icon } from './page_elements.js';
import { UnfinishedRows } from './unfinished.js';
import { UploadRows } from './upload_rows.js';

/** @import { Locale } from './locale.js' */
/** @import { Source } from './new_machine_plan.js' */
/** @import { GuestView, ImageView } from './types.js' */
/** @import { Upload, Uploads } from './upload.js' */

const KINDS = '.iso,.img,.raw,.qcow2,.qcow';

/** How a guest is, in words. Pure. @param {GuestView} guest @param {Locale} locale */
export function guestWords(guest, locale) {
    if (guest.building) {
        const percent = percentOf(guest.building);
        return locale.text('guest_building', {
            phase: phaseWords(guest.building.phase, locale), percent: percent === null ? '' : `${percent} %` }).trim();
    }
    if (guest.built) {
        return [locale.text('guest_built'), guest.size_bytes === null ? ''
            : formatBytes(guest.size_bytes, locale.language)].filter(Boolean).join(' · ');
    }
    if (guest.failed) {
        return locale.text('guest_failed', { why: guest.failed });
    }
    return guest.expected_minutes ? locale.count('guest_unbuilt_minutes', guest.expected_minutes)
        : locale.text('guest_unbuilt');
}

export class SourceList {
    /** @type {Source | null} */
    chosen = null;
    #choices = make('div', { class: 'choices', role: 'radiogroup' });
    #status = make('p', { class: 'field-error', role: 'alert' });
    #unfinished = make('p', { class: 'quiet' });
    #begun;
    #uploads;
    #rows;
    #locale;
    #onchoose;
    #stopListening;
    /** @type {Source[]} */
    #sources = [];
    #drawn = '';
    /** @type {Set<Upload>} whose image is to be chosen once it is there */
    #awaited = new Set();

    /**
     * @param {Uploads} uploads
     * @param {Locale} locale
     * @param {(source: Source | null) => void} onchoose
     */
    constructor(uploads, locale, onchoose) {
        this.#uploads = uploads;
        this.#locale = locale;
        this.#onchoose = onchoose;
        this.#rows = new UploadRows(uploads, locale);
        this.#begun = new UnfinishedRows(() => uploads.list, locale, (error) => {
            this.#status.textContent = wordsOf(error, locale);
        });
        this.#choices.setAttribute('aria-label', locale.text('new_source'));
        this.element = make('div', { class: 'sources' }, this.#choices, this.#rows.element,
            this.#dropZone(), this.#unfinished, this.#begun.element, this.#status);
        this.#showUnfinished();
        this.#stopListening = uploads.listen(() => this.#uploadsChanged());
    }

    close() {
        this.#stopListening();
    }

    /** Asks the server what there is. */
    async load() {
        const [guests, images] = await Promise.all([
            api.guests(), api.images(), this.#begun.load().catch(() => {})]);
        this.#sources = [
            ...guests.map((guest) => /** @type {Source} */ ({ kind: 'guest', guest })),
            ...images.map((image) => /** @type {Source} */ ({ kind: 'image', image })),
        ];
        const drawn = JSON.stringify(this.#sources);
        if (drawn !== this.#drawn) {
            this.#drawn = drawn;
            this.#draw();
        }
    }

    /** @param {File} file */
    upload(file) {
        this.#awaited.add(this.#uploads.add(file));
    }

    #dropZone() {
        const input = make('input', {
            type: 'file', class: 'sr-only', accept: KINDS, multiple: true, onchange: () => {
                for (const file of input.files ?? []) {
                    this.upload(file);
                }
                input.value = ''; // the same file may be chosen again
            },
        });
        const zone = make('label', { class: 'drop' }, input, icon('upload'),
            make('span', {}, make('strong', {}, this.#locale.text('upload_title')),
                make('span', { class: 'quiet' }, this.#locale.text('upload_hint'))));
        const over = (/** @type {boolean} */ is) => zone.classList.toggle('over', is);
        zone.addEventListener('dragover', (event) => {
            event.preventDefault();
            over(true);
        });
        zone.addEventListener('dragleave', () => over(false));
        zone.addEventListener('drop', (event) => {
            event.preventDefault();
            over(false);
            for (const file of event.dataTransfer?.files ?? []) {
                this.upload(file);
            }
        });
        return zone;
    }

    /** What was begun before a reload goes on once the same file is chosen again. */
    #showUnfinished() {
        const names = this.#uploads.unfinished;
        this.#unfinished.hidden = names.length === 0;
        this.#unfinished.textContent = this.#locale.text('upload_unfinished', { names: names.join(', ') });
    }

    #uploadsChanged() {
        this.#rows.update();
        this.#begun.update();
        this.#showUnfinished();
        for (const upload of this.#awaited) {
            if (upload.plan.phase === 'done') {
                this.#awaited.delete(upload);
                this.#arrived(upload);
            }
        }
    }

    /** @param {Upload} upload */
    async #arrived(upload) {
        await this.load().catch(() => {});
        const source = this.#sources.find((each) => (
            each.kind === 'image' && each.image.id === upload.plan.image));
        if (source) {
            this.#choose(source);
            this.#draw();
            this.#uploads.dismiss(upload);
        }
    }

    #draw() {
        const before = this.chosen && keyOf(this.chosen);
        const now = this.#sources.find((each) => keyOf(each) === before)
            ?? this.#sources.find((each) => each.kind === 'guest' && each.guest.built)
            ?? this.#sources[0] ?? null;
        const focused = this.#choices.contains(document.activeElement);
        this.#choices.replaceChildren(...this.#sources.map((source) => this.#row(source, source === now)));
        if (focused) {
            const checked = this.#choices.querySelector('input:checked');
            if (checked instanceof HTMLElement) {
                checked.focus();
            }
        }
        this.#choose(now);
    }

    /** @param {Source | null} source */
    #choose(source) {
        this.chosen = source;
        this.#onchoose(source);
    }

    /** @param {Source} source @param {boolean} checked */
    #row(source, checked) {
        const { title, words, hint } = source.kind === 'guest' ? {
            title: this.#locale.said(`guest.${source.guest.name}.title`, source.guest.title),
            hint: this.#locale.said(`guest.${source.guest.name}.summary`, source.guest.summary),
            words: guestWords(source.guest, this.#locale),
        } : {
            title: source.image.name, hint: '',
            words: [this.#locale.text(`image.${source.image.kind}`),
                formatBytes(source.image.size_bytes, this.#locale.language)].join(' · '),
        };
        return make('label', { class: 'choice' },
            make('input', {
                type: 'radio', name: 'source', value: keyOf(source), checked,
                onchange: () => this.#choose(source),
            }),
            make('span', {}, make('strong', {}, title), hint && make('span', { class: 'quiet' }, hint),
                make('span', { class: 'quiet' }, words)),
            source.kind === 'image' && this.#removeButton(source.image));
    }

    /** @param {ImageView} image */
    #removeButton(image) {
        const words = image.in_use_by.length > 0
            ? this.#locale.text('image_in_use', { machines: image.in_use_by.join(', ') })
            : this.#locale.text('image_delete', { name: image.name });
        return make('button', {
            type: 'button', class: 'plain', title: words, 'aria-label': words,
            disabled: image.in_use_by.length > 0,
            onclick: async () => {
                if (!confirm(this.#locale.text('image_delete_sure', { name: image.name }))) {
                    return;
                }
                this.#status.textContent = '';
                try {
                    await api.removeImage(image.id);
                    await this.load();
                } catch (error) {
                    this.#status.textContent = wordsOf(error, this.#locale);
                }
            },
        }, icon('trash'));
    }
}

/** @param {Source} source */
const keyOf = (source) => (
    source.kind === 'guest' ? `guest:${source.guest.name}` : `image:${source.image.id}`);
