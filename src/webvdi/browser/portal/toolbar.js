/** The tool bar: comes when wanted, goes by itself, and never takes a key meant for the guest. */

import { moveInMenu } from './menu.js';
import { button, element, icon } from './page_elements.js';

/** @import { Summary } from '../viewer/stats.js' */
/** @import { Locale } from './locale.js' */

const HIDE_AFTER_MS = 1200;
const FIRST_SHOWN_MS = 3500;
// Resting this long at the middle of the top edge is on purpose; guests have things there too.
const DWELL_MS = 350;
const EDGE_PX = 2;
const MIDDLE = 0.3; // of the window's width, each side of the centre

/** @param {Summary} summary @returns {'good' | 'fair' | 'poor'} */
export function qualityOf({ roundTrip }) {
    if (roundTrip === null || roundTrip < 80) {
        return 'good';
    }
    return roundTrip < 200 ? 'fair' : 'poor';
}

export class Toolbar {
    #bar = element('bar');
    #handle = button('handle');
    #hideTimer = 0;
    #dwellTimer = 0;
    #leave;

    /** @param {() => void} leave gives the keyboard back to the guest */
    constructor(leave) {
        this.#leave = leave;
        for (const each of this.#bar.querySelectorAll('button')) {
            if (each.dataset['icon']) {
                each.prepend(icon(each.dataset['icon']));
            }
        }
        this.#handle.addEventListener('click', () => this.show());
        button('hide').addEventListener('click', () => this.hide());
        this.#bar.addEventListener('keydown', (event) => this.#keydown(event));
        this.#bar.addEventListener('pointerenter', () => clearTimeout(this.#hideTimer));
        this.#bar.addEventListener('pointerleave', () => this.hideSoon());
        this.#bar.addEventListener('focusout', () => this.hideSoon());
        document.addEventListener('pointermove', (event) => this.#watchEdge(event));
        element('screen').addEventListener('pointerdown', () => this.hideSoon(0));
        for (const menu of document.querySelectorAll('.menu')) {
            if (menu instanceof HTMLElement) {
                this.#equipMenu(menu);
            }
        }
    }

    get open() {
        return !this.#bar.hidden;
    }

    /** @param {{focus?: boolean, brief?: boolean}} [how] */
    show({ focus = false, brief = false } = {}) {
        clearTimeout(this.#hideTimer);
        this.#bar.hidden = false;
        this.#handle.setAttribute('aria-expanded', 'true');
        if (focus) {
            this.#buttons()[0]?.focus();
        }
        if (brief) {
            this.hideSoon(FIRST_SHOWN_MS);
        }
    }

    hide() {
        clearTimeout(this.#hideTimer);
        const focused = this.#bar.contains(document.activeElement);
        this.#bar.hidden = true;
        this.#handle.setAttribute('aria-expanded', 'false');
        if (focused) {
            this.#leave();
        }
    }

    /** @param {number} [delay] */
    hideSoon(delay = HIDE_AFTER_MS) {
        clearTimeout(this.#hideTimer);
        this.#hideTimer = setTimeout(() => {
            const menu = document.querySelector('.menu:popover-open');
            if (!menu && !this.#bar.matches(':hover') && !this.#bar.contains(document.activeElement)) {
                this.hide();
            }
        }, delay);
    }

    /**
     * @param {Summary} summary
     * @param {Locale} locale
     */
    showQuality(summary, locale) {
        const { roundTrip, bitsPerSecond, framesPerSecond } = summary;
        const mbit = bitsPerSecond / 1e6;
        element('quality').textContent = roundTrip === null ? locale.text('quality_unknown')
            : locale.text('quality', {
                ms: String(Math.round(roundTrip)),
                mbit: mbit.toFixed(mbit < 10 ? 1 : 0),
                frames: String(Math.round(framesPerSecond)),
            });
        document.body.dataset['quality'] = qualityOf(summary);
    }

    /** The guest rang: the handle moves a little. */
    ring() {
        this.#handle.classList.add('ring');
        setTimeout(() => this.#handle.classList.remove('ring'), 400);
    }

    /** @returns {HTMLButtonElement[]} */
    #buttons() {
        return [...this.#bar.querySelectorAll('button')].filter((each) => each.offsetParent);
    }

    /** @param {KeyboardEvent} event */
    #keydown(event) {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const buttons = this.#buttons();
        const at = buttons.findIndex((each) => each === document.activeElement);
        if (event.key === 'Escape') {
            this.hide();
        } else if (step && at >= 0) {
            event.preventDefault();
            buttons[(at + step + buttons.length) % buttons.length]?.focus();
        }
    }

    /** @param {PointerEvent} event */
    #watchEdge({ clientX, clientY, buttons, pointerType }) {
        const middle = Math.abs(clientX / innerWidth - 0.5) < MIDDLE;
        const there = clientY <= EDGE_PX && middle && !buttons && pointerType !== 'touch';
        if (!there) {
            clearTimeout(this.#dwellTimer);
            this.#dwellTimer = 0;
        } else if (!this.#dwellTimer && !this.open) {
            this.#dwellTimer = setTimeout(() => this.show(), DWELL_MS);
        }
    }

    /** Puts the menu under its button, and closes it when something was chosen. @param {HTMLElement} menu */
    #equipMenu(menu) {
        const opener = this.#bar.querySelector(`[popovertarget="${menu.id}"]`);
        menu.addEventListener('toggle', (event) => {
            const { newState } = /** @type {ToggleEvent} */ (event);
            if (newState === 'open' && opener) {
                const box = opener.getBoundingClientRect();
                const left = Math.min(box.left, innerWidth - menu.offsetWidth - 8);
                menu.style.left = `${Math.max(8, left)}px`;
                const { bottom } = this.#bar.getBoundingClientRect();
                menu.style.top = `${bottom + 6}px`;
                menu.style.maxHeight = `${innerHeight - bottom - 14}px`;
                const first = menu.querySelector('[aria-checked="true"], button');
                if (first instanceof HTMLElement) {
                    first.focus();
                }
            } else {
                this.hideSoon();
            }
        });
        menu.addEventListener('keydown', (event) => moveInMenu(menu, event));
        menu.addEventListener('click', (event) => {
            if (event.target instanceof Element && event.target.closest('button')) {
                // An item may have opened a panel or a dialog: the keyboard is there now.
                const elsewhere = document.activeElement?.closest('#panel, dialog');
                menu.hidePopover();
                if (!elsewhere) {
                    this.#leave();
                }
            }
        });
    }
}
