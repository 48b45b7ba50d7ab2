/** Live small pictures of machines: one question at a time, only for what can be seen. */

import { api } from './api.js';

export const EVERY_MS = 3000;
const SIZES = [{ width: 320, height: 200 }, { width: 640, height: 400 }];

/**
 * @typedef {object} Watched
 * @property {string} id
 * @property {HTMLImageElement} image
 * @property {boolean} visible in the window
 * @property {boolean} wanted there is a screen to show
 * @property {number} due when to ask next, in milliseconds
 * @property {string | null} etag of the picture that is shown
 */

/**
 * Which picture to ask for next, and in how many milliseconds; null where none is wanted. Pure.
 * @param {Iterable<Pick<Watched, 'visible' | 'wanted' | 'due'>>} all
 * @param {number} now
 */
export function nextOf(all, now) {
    let first = null;
    for (const each of all) {
        if (each.visible && each.wanted && (!first || each.due < first.due)) {
            first = each;
        }
    }
    return first && { each: first, wait: Math.max(0, first.due - now) };
}

export class Thumbnails {
    /** @type {Map<Element, Watched>} by what is observed */
    #watched = new Map();
    #timer = 0;
    #asking = false;
    #size = SIZES[devicePixelRatio > 1.25 ? 1 : 0] ?? { width: 320, height: 200 };
    #observer = new IntersectionObserver((entries) => {
        for (const { target, isIntersecting } of entries) {
            const watched = this.#watched.get(target);
            if (watched) {
                watched.visible = isIntersecting;
            }
        }
        this.#schedule();
    }, { rootMargin: '100px' });

    constructor() {
        document.addEventListener('visibilitychange', () => this.#schedule());
    }

    /** @param {string} id @param {HTMLImageElement} image @param {Element} frame what must be visible */
    watch(id, image, frame) {
        this.#watched.set(frame, { id, image, visible: false, wanted: false, due: 0, etag: null });
        this.#observer.observe(frame);
    }

    /** @param {Element} frame @param {boolean} wanted whether there is a screen to show */
    want(frame, wanted) {
        const watched = this.#watched.get(frame);
        if (watched && watched.wanted !== wanted) {
            watched.wanted = wanted;
            if (!wanted) {
                show(watched, null);
                watched.etag = null;
                watched.due = 0;
            }
            this.#schedule();
        }
    }

    /** @param {Element} frame */
    forget(frame) {
        const watched = this.#watched.get(frame);
        if (watched) {
            show(watched, null);
        }
        this.#observer.unobserve(frame);
        this.#watched.delete(frame);
    }

    #schedule() {
        clearTimeout(this.#timer);
        if (this.#asking || document.hidden) {
            return;
        }
        const next = nextOf(this.#watched.values(), performance.now());
        if (next) {
            const watched = /** @type {Watched} */ (next.each);
            this.#timer = setTimeout(() => this.#ask(watched), next.wait);
        }
    }

    /** @param {Watched} watched */
    async #ask(watched) {
        this.#asking = true;
        try {
            const answer = await api.thumbnail(watched.id, this.#size, watched.etag);
            if (answer && watched.wanted) {
                watched.etag = answer.etag;
                show(watched, answer.picture);
            }
        } catch {
            // the picture stays as it is; the next question may do better
        } finally {
            watched.due = performance.now() + EVERY_MS;
            this.#asking = false;
            this.#schedule();
        }
    }
}

/** @param {Watched} watched @param {Blob | null} picture */
function show({ image }, picture) {
    const before = image.src;
    if (picture) {
        image.src = URL.createObjectURL(picture);
        image.hidden = false;
    } else {
        image.hidden = true;
        image.removeAttribute('src');
    }
    if (before.startsWith('blob:')) {
        URL.revokeObjectURL(before);
    }
}
