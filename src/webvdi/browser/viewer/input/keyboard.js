/**
 * Keys. For each one goes out which key it is (scancode) and what it says here (keysym); the
 * session takes what the guest understands. No layout is ever guessed.
 */

import { keysymOfCodePoint } from './keysyms.js';
import { NAMED_KEYSYMS, NUMPAD_KEYSYMS } from './named_keysyms.js';
import { SCANCODES } from './scancodes.js';

/** @import { Input } from '../wire_types.js' */
/** @import { Platform } from './platform.js' */
/** @import { Clock } from '../connect.js' */

/**
 * The part of KeyboardEvent that is looked at.
 * @typedef {Pick<KeyboardEvent, 'code' | 'key' | 'location' | 'isComposing' | 'keyCode' |
 *     'metaKey' | 'preventDefault' | 'stopPropagation' | 'getModifierState'>} KeyEvent
 */

// Windows reports AltGr as left Control and right Alt at the same moment. A left Control waits
// this long for its companion.
const ALTGR_WITHIN_MS = 50;

// Windows never reports that these went up.
const WINDOWS_TAPS = new Set(['Lang3', 'Lang4', 'Lang5', 'KanaMode', 'Backquote:ZenkakuHankaku']);

/** Guest lights: bits of *Leds*. */
const NUM_LOCK_LED = 2;
const CAPS_LOCK_LED = 4;

/** @param {number[]} bySide @param {number} location */
const atLocation = (bySide, location) => bySide[location] ?? bySide[0] ?? 0;

/**
 * The X11 keysym of what a key says, 0 where there is none.
 * @param {string} key as KeyboardEvent.key
 * @param {number} [location]
 */
export function keysymOf(key, location = 0) {
    const numpad = location === 3 ? NUMPAD_KEYSYMS[key] : undefined;
    if (numpad !== undefined) {
        return numpad;
    }
    const [first = '', second] = key; // by code points, not by UTF-16 units
    if (first && second === undefined) {
        return keysymOfCodePoint(/** @type {number} */ (first.codePointAt(0)));
    }
    const named = Object.hasOwn(NAMED_KEYSYMS, key) ? NAMED_KEYSYMS[key] : 0;
    return Array.isArray(named) ? atLocation(named, location) : named ?? 0;
}

/** Whether the event belongs to an input method rather than to us. @param {KeyEvent} event */
export const isComposed = (event) => event.isComposing || event.keyCode === 229
    || event.key === 'Process' || event.key === 'Unidentified';

export class Keyboard {
    /** @type {Map<string, {keysym: number, scancode: number, modifier: boolean}>} */
    #down = new Map();
    /** A left Control that may yet turn out to be half of AltGr. @type {KeyEvent | null} */
    #heldControl = null;
    #cancelHold = () => {};
    /** The guest's lights as far as known. @type {number | null} */
    #leds = null;
    /** Control, Alt and Shift went down together, and nothing else has since. */
    #chord = false;
    #send;
    #platform;
    #clock;

    /**
     * @param {(input: Input) => void} send
     * @param {Platform} platform
     * @param {Pick<Clock, 'after'>} clock
     */
    constructor(send, platform, clock) {
        this.#send = send;
        this.#platform = platform;
        this.#clock = clock;
        /** Control+Alt+Shift were pressed and let go alone: the way out for keyboard users. */
        this.onchord = () => {};
    }

    /** @param {KeyEvent} event */
    keydown(event) {
        if (isComposed(event)) {
            return;
        }
        this.#take(event);
        const held = this.#heldControl;
        if (held && event.code === 'AltRight' && event.key === 'AltGraph') {
            this.#dropHold(); // the Control was only Windows' way to say AltGr
        } else {
            this.flush();
        }
        if (this.#platform.windows && event.code === 'ControlLeft' && !this.#down.has(event.code)) {
            this.#heldControl = event;
            this.#cancelHold = this.#clock.after(ALTGR_WITHIN_MS, () => this.flush());
            return;
        }
        this.#pressed(event);
    }

    /** @param {KeyEvent} event */
    keyup(event) {
        this.flush();
        const id = event.code || event.key;
        if (this.#platform.mac && event.code === 'CapsLock') {
            this.#take(event);
            this.#tap(event); // macOS says "down" for on and "up" for off
        } else if (this.#down.has(id)) {
            this.#take(event);
            this.#release(id);
        } else if (event.code === 'PrintScreen') {
            this.#take(event);
            this.#tap(event); // Windows reports it only when it goes up
        }
        if (this.#platform.mac && event.key === 'Meta') {
            this.#releaseAllBut(true); // macOS forgets the others' key-ups while Command is held
        }
        if (this.#chord && this.#down.size === 0) {
            this.#chord = false;
            this.onchord();
        }
    }

    /** A held-back key goes out now, because something that follows it is about to. */
    flush() {
        const held = this.#heldControl;
        this.#dropHold();
        if (held) {
            this.#pressed(held);
        }
    }

    /** The page lost its focus, or is about to: every key goes up. */
    releaseAll() {
        this.#dropHold();
        if (this.#down.size) {
            this.clear();
            this.#send({ type: 'ReleaseKeys' });
        }
    }

    /** The session has released everything already. */
    clear() {
        this.#down.clear();
        this.#chord = false;
    }

    /** @param {number | null} leds as in *Leds*; null: not known any more */
    setLeds(leds) {
        this.#leds = leds;
    }

    /**
     * Presses keys one after the other and lets them go in reverse.
     * @param {string[]} codes as KeyboardEvent.code, each with a known scancode
     * @param {(code: string) => number} keysym
     */
    combination(codes, keysym) {
        this.flush();
        const keys = codes.map((code) => (
            { keysym: keysym(code), scancode: SCANCODES.get(code) ?? 0 }));
        keys.forEach((key) => this.#send({ type: 'Key', down: true, ...key }));
        keys.reverse().forEach((key) => this.#send({ type: 'Key', down: false, ...key }));
    }

    /** @param {KeyEvent} event */
    #take(event) {
        event.preventDefault();
        event.stopPropagation();
    }

    #dropHold() {
        this.#cancelHold();
        this.#cancelHold = () => {};
        this.#heldControl = null;
    }

    /** @param {KeyEvent} event */
    #pressed(event) {
        this.#syncLocks(event);
        const { mac, windows } = this.#platform;
        const isMeta = event.key === 'Meta';
        const never = windows && (WINDOWS_TAPS.has(event.code)
            || WINDOWS_TAPS.has(`${event.code}:${event.key}`));
        if (never || (mac && (event.code === 'CapsLock' || (event.metaKey && !isMeta
            && !/^(Shift|Control|Alt)/.test(event.code))))) {
            this.#chord = false;
            this.#tap(event); // its key-up will not be reported
        } else {
            this.#press(event);
        }
    }

    /** @param {KeyEvent} event */
    #press(event) {
        const id = event.code || event.key;
        const known = this.#down.get(id);
        const modifier = /^(Shift|Control|Alt|Meta|OS)/.test(event.code || event.key);
        const key = known ?? {
            keysym: keysymOf(event.key, event.location),
            scancode: SCANCODES.get(event.code) ?? 0,
            modifier,
        };
        this.#down.set(id, key);
        this.#sendKey(true, key);
        this.#noteChord(event.code);
        this.#noteLock(event.code, known === undefined);
    }

    /** @param {KeyEvent} event */
    #tap(event) {
        const key = {
            keysym: keysymOf(event.key, event.location),
            scancode: SCANCODES.get(event.code) ?? 0,
        };
        this.#sendKey(true, key);
        this.#sendKey(false, key);
        this.#noteLock(event.code, true);
    }

    /** @param {string} id */
    #release(id) {
        const key = this.#down.get(id);
        if (key) {
            this.#down.delete(id);
            this.#sendKey(false, key);
        }
    }

    /** @param {boolean} modifiersToo whether modifiers stay down */
    #releaseAllBut(modifiersToo) {
        for (const [id, { modifier }] of [...this.#down]) {
            if (!(modifiersToo && modifier)) {
                this.#release(id);
            }
        }
    }

    /**
     * @param {boolean} down
     * @param {{keysym: number, scancode: number}} key
     */
    #sendKey(down, { keysym, scancode }) {
        if (keysym || scancode) {
            this.#send({ type: 'Key', down, keysym, scancode });
        }
    }

    /** @param {string} code of a key that just went down */
    #noteChord(code) {
        if (!/^(Shift|Control|Alt)(Left|Right)$/.test(code)) {
            this.#chord = false;
        } else {
            const held = [...this.#down.keys()].map((id) => id.replace(/(Left|Right)$/, ''));
            this.#chord = held.length === 3 && new Set(held).size === 3
                && held.every((name) => ['Shift', 'Control', 'Alt'].includes(name));
        }
    }

    /**
     * A lock key changes the guest's light; its message will confirm it later.
     * @param {string} code
     * @param {boolean} fresh not an auto-repeat
     */
    #noteLock(code, fresh) {
        const bit = code === 'CapsLock' ? CAPS_LOCK_LED : code === 'NumLock' ? NUM_LOCK_LED : 0;
        if (this.#leds !== null && fresh) {
            this.#leds ^= bit;
        }
    }

    /**
     * Where the guest's Caps Lock or Num Lock differs from ours, its key is pressed first.
     * @param {KeyEvent} event
     */
    #syncLocks(event) {
        if (this.#leds === null || event.code === 'CapsLock' || event.code === 'NumLock') {
            return;
        }
        const caps = event.getModifierState('CapsLock') !== ((this.#leds & CAPS_LOCK_LED) !== 0);
        if (caps && /^Key[A-Z]$/.test(event.code)) {
            this.#tapLock('CapsLock', 0xffe5);
        }
        const num = event.getModifierState('NumLock') !== ((this.#leds & NUM_LOCK_LED) !== 0);
        if (num && !this.#platform.mac && event.location === 3) {
            this.#tapLock('NumLock', 0xff7f);
        }
    }

    /**
     * @param {string} code
     * @param {number} keysym
     */
    #tapLock(code, keysym) {
        const key = { keysym, scancode: SCANCODES.get(code) ?? 0 };
        this.#sendKey(true, key);
        this.#sendKey(false, key);
        this.#noteLock(code, true);
    }
}
