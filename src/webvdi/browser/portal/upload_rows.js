/** Uploads as rows: how far, how fast, pause, continue, cancel. */

import { make, pushButton } from './dom.js';
import { formatBytes, formatDuration, percentOf } from './format.js';

/** @import { Locale } from './locale.js' */
/** @import { Upload, Uploads } from './upload.js' */

/**
 * How an upload is, in words. Pure.
 * @param {Pick<Upload, 'plan'>} upload
 * @param {Locale} locale
 */
export function uploadWords({ plan }, locale) {
    const { language } = locale;
    switch (plan.phase) {
        case 'failed': return locale.refused(plan.reason, plan.detail) || locale.text('upload_failed');
        case 'done': return locale.text('upload_done');
        case 'paused': return plan.reason ? locale.text('upload_held', {
            why: locale.refused(plan.reason, plan.detail) }) : locale.text('upload_paused');
        case 'wait': return locale.text(plan.offset < plan.size ? 'upload_waiting' : 'upload_checking');
        default: break;
    }
    const words = [locale.text('upload_of', {
        done: formatBytes(plan.offset, language), total: formatBytes(plan.size, language) })];
    if (plan.rate && plan.secondsLeft !== null) {
        words.push(locale.text('upload_rate', { rate: formatBytes(plan.rate, language) }),
            locale.text('upload_left', { time: formatDuration(plan.secondsLeft, language) }));
    }
    return words.join(' · ');
}

/**
 * How far those are that are not over, all together; null where there is none. Pure.
 * @param {Pick<Upload, 'plan'>[]} list
 */
export function percentOfAll(list) {
    const going = list.filter(({ plan }) => !plan.over);
    const [total, done] = going.reduce(([all, sent], { plan }) => (
        [all + plan.size, sent + plan.offset]), [0, 0]);
    return going.length === 0 ? null : percentOf({ done, total }) ?? 0;
}

/** @param {Upload} upload @param {Uploads} uploads @param {Locale} locale */
function buttonsFor(upload, uploads, locale) {
    const { phase } = upload.plan;
    if (upload.plan.over) {
        return [pushButton(locale.text('close'), () => uploads.dismiss(upload))];
    }
    return [
        phase === 'paused'
            ? pushButton(locale.text('upload_resume'), () => upload.resume())
            : pushButton(locale.text('upload_pause'), () => upload.pause()),
        pushButton(locale.text('cancel'), () => upload.cancel()),
    ];
}

/** A list that follows the uploads. */
export class UploadRows {
    /** @type {Map<Upload, {element: HTMLElement, update: () => void}>} */
    #rows = new Map();
    element = make('ul', { class: 'rows uploads' });
    #uploads;
    #locale;

    /** @param {Uploads} uploads @param {Locale} locale */
    constructor(uploads, locale) {
        this.#uploads = uploads;
        this.#locale = locale;
        this.update();
    }

    update() {
        const { list } = this.#uploads;
        for (const [upload, { element }] of this.#rows) {
            if (!list.includes(upload)) {
                element.remove();
                this.#rows.delete(upload);
            }
        }
        for (const upload of list) {
            const row = this.#rows.get(upload) ?? this.#add(upload);
            row.update();
        }
        this.element.hidden = list.length === 0;
    }

    /** @param {Upload} upload */
    #add(upload) {
        const bar = make('progress', { max: 100, 'aria-label': upload.name });
        const words = make('span', { class: 'quiet', role: 'status' });
        const buttons = make('div', { class: 'row-buttons' });
        let phase = '';
        const element = make('li', { class: 'row' },
            make('div', { class: 'row-text' }, make('strong', {}, upload.name), bar, words), buttons);
        const update = () => {
            bar.value = percentOf({ done: upload.plan.offset, total: upload.plan.size }) ?? 0;
            bar.hidden = upload.plan.over;
            words.textContent = uploadWords(upload, this.#locale);
            words.classList.toggle('warning', upload.plan.phase === 'failed');
            const kind = upload.plan.over ? 'over' : String(upload.plan.phase === 'paused');
            if (kind !== phase) { // a button under the pointer is not exchanged for its like
                phase = kind;
                buttons.replaceChildren(...buttonsFor(upload, this.#uploads, this.#locale));
            }
        };
        this.element.append(element);
        const row = { element, update };
        this.#rows.set(upload, row);
        return row;
    }
}
