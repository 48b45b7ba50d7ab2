/** All input devices of a viewer, wired to its elements. */

import { REAL_CLOCK } from '../connect.js';
import { TextField } from './composition.js';
import { Keyboard, keysymOf } from './keyboard.js';
import { detectPlatform } from './platform.js';
import { Mouse, Pointer } from './pointer.js';
import { Gestures, listenToTouch } from './touch.js';

/** @import { Input as InputMessage } from '../wire_types.js' */
/** @import { Layout } from '../layout.js' */

/** Keys by their code, for combinations: what a US keyboard says. @param {string} code */
export function keysymOfCode(code) {
    const letter = /^(?:Key|Digit)([A-Z0-9])$/.exec(code)?.[1];
    if (letter) {
        return keysymOf(letter.toLowerCase());
    }
    const side = code.endsWith('Right') ? 2 : 1;
    return keysymOf(code) || keysymOf(code.replace(/(Left|Right)$/, ''), side)
        || keysymOf({ Space: ' ' }[code] ?? '');
}

/**
 * @typedef {object} Hooks
 * @property {() => boolean} enabled whether input may be sent
 * @property {() => boolean} pointing whether at least the pointer's place may be
 * @property {(touch: boolean) => void} pointerUsed
 * @property {(x: number, y: number) => void} moved the pointer is at this screen pixel
 * @property {() => void} chord see {@link Keyboard}
 */

export class InputDevices {
    #abort = new AbortController();
    #canvas;
    #layout;
    /** Text is composed on this side, with the device's own input method. */
    #composing = false;

    /**
     * @param {HTMLElement} element
     * @param {HTMLCanvasElement} canvas
     * @param {Layout} layout
     * @param {(input: InputMessage) => void} send
     * @param {(text: string) => void} sendText
     * @param {Hooks} hooks
     */
    constructor(element, canvas, layout, send, sendText, hooks) {
        this.#canvas = canvas;
        this.#layout = layout;
        const platform = detectPlatform();
        this.keyboard = new Keyboard(send, platform, REAL_CLOCK);
        this.keyboard.onchord = hooks.chord;
        this.mouse = new Mouse((input) => {
            this.keyboard.flush(); // a Control held back belongs before the click
            send(input);
        }, (task) => requestAnimationFrame(task));
        this.mouse.onmove = hooks.moved;
        this.field = new TextField(element, platform.touch,
            (codes) => hooks.enabled() && this.keyboard.combination(codes, keysymOfCode),
            (text) => hooks.enabled() && sendText(text));
        this.#listen(element, hooks);
    }

    /**
     * @param {HTMLElement} element
     * @param {Hooks} hooks
     */
    #listen(element, hooks) {
        const { signal } = this.#abort;
        const used = (/** @type {PointerEvent} */ event) => {
            hooks.pointerUsed(event.pointerType === 'touch');
            if (event.type === 'pointerdown') {
                this.#placeField(event);
                this.focus();
            }
        };
        const pointing = { enabled: hooks.enabled, pointing: hooks.pointing, used };
        new Pointer(element, this.#canvas, this.#layout, this.mouse, pointing, signal);
        const gestures = new Gestures(
            this.mouse, (x, y) => this.#layout.pixelAt(x, y), REAL_CLOCK);
        listenToTouch(element, this.#canvas, gestures, pointing, signal);
        /** @type {HTMLElement[]} */
        const targets = [this.#canvas, this.field.element];
        for (const target of targets) {
            target.addEventListener('keydown', (event) => (
                hooks.enabled() && this.keyboard.keydown(event)), { signal });
            target.addEventListener('keyup', (event) => (
                hooks.enabled() && this.keyboard.keyup(event)), { signal });
            target.addEventListener('blur', () => this.keyboard.releaseAll(), { signal });
        }
        window.addEventListener('blur', () => this.keyboard.releaseAll(), { signal });
        document.addEventListener('visibilitychange', () => (
            document.hidden && this.keyboard.releaseAll()), { signal });
        document.addEventListener('fullscreenchange', () => this.#lockKeyboard(), { signal });
    }

    /** Whether this device's input method composes text; it shows phones' keyboards too. */
    get composing() {
        return this.#composing;
    }

    set composing(composing) {
        this.#composing = composing;
        this.focus();
    }

    /** Takes the keyboard. */
    focus() {
        const target = this.#composing ? this.field.element : this.#canvas;
        if (document.activeElement !== target) {
            target.focus({ preventScroll: true });
        }
    }

    /** A new connection or role: the session holds nothing down for us. */
    clear() {
        this.keyboard.clear();
        this.mouse.clear();
    }

    close() {
        this.#abort.abort();
        this.field.element.remove();
    }

    /** @param {PointerEvent} event */
    #placeField(event) {
        const box = this.#canvas.parentElement?.getBoundingClientRect();
        this.field.place(event.clientX - (box?.left ?? 0), event.clientY - (box?.top ?? 0));
    }

    /** In full screen the guest gets the browser's own shortcuts too, where browsers allow it. */
    #lockKeyboard() {
        const keyboard = /** @type {{lock?: () => Promise<void>, unlock?: () => void}} */ (
            Reflect.get(navigator, 'keyboard') ?? {});
        if (document.fullscreenElement?.contains(this.#canvas)) {
            keyboard.lock?.().catch(() => {}); // refused in frames; the key menu remains
        } else {
            keyboard.unlock?.();
        }
    }
}
