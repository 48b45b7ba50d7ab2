/**
 * A guest's screen in an element of a page: the one class that pages use.
 *
 *     const viewer = new Viewer(element, { url: 'ws', ticket }, { scaling: 'fit' });
 *     viewer.addEventListener('statechange', ({ detail }) => show(detail.state));
 *     viewer.connect();
 */

import { Connection } from './connect.js';
import { Cursor } from './cursor.js';
import { ViewerError } from './errors.js';
import { InputDevices, keysymOfCode } from './input/input.js';
import { Known } from './known.js';
import { Layout } from './layout.js';
import { mayAct } from './people.js';
import { MAX_CLIPBOARD_BYTES, textParts } from './protocol.js';
import { Screen } from './screen.js';
import { Session } from './session.js';
import { Stats } from './stats.js';
import { furnish, watchPage } from './surroundings.js';
import { Together } from './together.js';
import { WebSocketTransport } from './transports/websocket.js';

/** @import { Input, People, ToViewer, Welcome } from './wire_types.js' */
/** @import { Company } from './people.js' */
/** @import { ConnectDetails, Options } from './viewer_types.js' */
/** @import { LinkState } from './connect.js' */
/** @import { Drawn } from './screen.js' */
/** @import { Summary } from './stats.js' */

/** As a u16. @param {number} value */
const clamped = (value) => Math.min(0xffff, Math.round(value));

/** Its options and events: viewer_types.js, and docs/reference/viewer-api.md. */
export class Viewer extends EventTarget {
    /** @type {Connection | null} */
    #connection = null;
    #canvas = document.createElement('canvas');
    #abort = new AbortController();
    #viewOnly;
    #known = new Known((type, detail) => this.#emit(type, detail));
    /** @type {LinkState} */
    #state = 'ended';
    #pictured = false;
    #session = new Session();
    #stats = new Stats();
    #element;
    #details;
    #screen;
    #layout;
    #cursor;
    #input;
    #together;

    /**
     * @param {HTMLElement} element filled by the screen; has a size of its own
     * @param {ConnectDetails} details
     * @param {Options} [options]
     */
    constructor(element, details, {
        scaling = 'fit', viewOnly = false, label = 'Screen', nameOf = ({ name }) => name,
    } = {}) {
        super();
        this.#element = element;
        this.#details = details;
        this.#viewOnly = viewOnly;
        furnish(element, this.#canvas, label);
        this.#screen = new Screen(this.#canvas, {
            drawn: (drawn, waiting) => this.#drawn(drawn, waiting),
            resized: (width, height) => this.#resized(width, height),
            failed: (error) => this.#connection?.fail(error),
            shown: () => this.#stats.shown(),
        });
        this.#layout = new Layout(element, this.#canvas);
        this.#cursor = new Cursor(this.#canvas, this.#layout);
        this.#together = new Together(this.#canvas, this.#layout, nameOf,
            (control) => this.#connection?.send(control),
            (pointer) => this.#connection?.input(pointer));
        this.#layout.onchange = () => {
            this.#cursor.place();
            this.#together.place();
        };
        this.#layout.scaling = scaling;
        this.#input = new InputDevices(element, this.#canvas, this.#layout,
            (input) => this.#send(input), (text) => this.sendText(text), {
                enabled: () => this.canInput,
                pointing: () => this.canPoint,
                pointerUsed: (touch) => this.#cursor.setTouch(touch),
                moved: (x, y) => this.#cursor.moveTo(x, y),
                chord: () => this.#emit('chord', {}),
            });
        this.#watchPage();
    }

    #watchPage() {
        const { signal } = this.#abort;
        watchPage(signal, {
            wake: () => {
                this.#screen.check();
                this.#connection?.wake();
            },
            seen: (visible) => {
                this.#screen.seen(visible);
                this.#connection?.setVisible(visible);
                this.#together.reset(); // a hidden page is told nothing of them
            },
            everySecond: () => {
                if (this.#state === 'live' && !document.hidden) {
                    this.#emit('stats', this.stats());
                }
            },
        });
    }

    /**
     * Connects, and keeps connected until {@link disconnect} or the end. While it waits to try
     * again, it tries at once; while it is connected, this does no harm.
     */
    connect() {
        if (this.#connection && this.#connection.state !== 'ended') {
            this.#connection.wake();
            return;
        }
        const { url, ticket, transport } = this.#details;
        this.#session.forget();
        this.#connection = new Connection({
            session: this.#session,
            stats: this.#stats,
            ticket,
            open: transport ?? (() => new WebSocketTransport(new URL(url, document.baseURI))),
            space: () => this.#layout.deviceSpace,
            keepsTiles: () => this.#screen.keepsTiles,
            onmessage: (message) => this.#handle(message),
            onstate: (state, error) => this.#linkState(state, error),
        });
        this.#connection.setVisible(!document.hidden);
        this.#connection.start();
    }

    disconnect() {
        this.#connection?.stop();
    }

    /** Takes everything out of the page again. The viewer is of no use afterwards. */
    close() {
        this.disconnect();
        this.#abort.abort();
        this.#input.close();
        this.#layout.close();
        this.#element.replaceChildren();
    }

    get state() {
        return this.#state;
    }

    get machine() {
        return this.#known.machine;
    }

    get role() {
        return this.#known.role;
    }

    get name() {
        return this.#known.name;
    }

    get size() {
        return { width: this.#screen.width, height: this.#screen.height };
    }

    get hasPicture() {
        return this.#screen.hasPicture;
    }

    get canvas() {
        return this.#canvas;
    }

    /** Whether this viewer may hold control, whoever has it now. */
    get mayControl() {
        return !this.#viewOnly && !['', 'observer'].includes(this.role) && this.#state !== 'ended';
    }

    /** Whether what is typed here reaches the guest. */
    get canInput() {
        return this.mayControl && mayAct(this.company);
    }

    /** Whether others see where the pointer is. */
    get canPoint() {
        return this.canInput || (this.#state === 'live' && this.#together.shared
            && (!this.#viewOnly || this.role === 'observer'));
    }

    /** Who is here, who has control, who asks for it. @returns {Company} */
    get company() {
        return this.#together.company;
    }

    /** Everyone who is connected. */
    get people() {
        return this.company.people;
    }

    get scaling() {
        return this.#layout.scaling;
    }

    get viewOnly() {
        return this.#viewOnly;
    }

    /** Whether this device's input method composes text, instead of raw keys being sent. */
    get composing() {
        return this.#input.composing;
    }

    /** @param {boolean} composing */
    setComposing(composing) {
        this.#input.composing = composing;
    }

    /** @param {'fit' | 'off'} scaling */
    setScaling(scaling) {
        this.#layout.scaling = scaling;
    }

    /** @param {boolean} viewOnly */
    setViewOnly(viewOnly) {
        this.#input.keyboard.releaseAll();
        this.#viewOnly = viewOnly;
    }

    focus() {
        this.#input.focus();
    }

    /** @returns {Summary & {lossyShare: number | null}} */
    stats() {
        const known = this.#state === 'live' && this.hasPicture;
        return {
            ...this.#stats.summary(), lossyShare: known ? this.#screen.lossyShare : null,
        };
    }

    /** The picture as it is, as a PNG file. @returns {Promise<Blob>} */
    screenshot() {
        return this.#screen.screenshot();
    }

    /** Presses keys together, by their codes: ['ControlLeft', 'AltLeft', 'Delete']. @param {string[]} codes */
    sendKeys(codes) {
        if (this.canInput) {
            this.#input.keyboard.combination(codes, keysymOfCode);
        }
    }

    /** Types text. @param {string} text */
    sendText(text) {
        this.#input.keyboard.flush();
        for (const part of textParts(text.replaceAll(/\r\n?/g, '\n'))) {
            this.#send({ type: 'Text', text: part });
        }
    }

    /**
     * Puts text on the guest's clipboard.
     * @param {string} text
     * @throws {ViewerError} clipboard_too_large
     */
    sendClipboard(text) {
        if (new TextEncoder().encode(text).length > MAX_CLIPBOARD_BYTES) {
            throw new ViewerError('clipboard_too_large');
        }
        this.#send({ type: 'Clipboard', text });
    }

    /** Asks the guest for a screen of this size. @param {number} width @param {number} height */
    requestScreenSize(width, height) {
        this.#send({ type: 'ScreenSize', width, height });
    }

    /** @param {{username?: string, password: string}} credentials */
    sendCredentials({ username = '', password }) {
        this.#connection?.send({ type: 'GiveCredentials', username, password });
    }

    /** Asks for control, or gets it at once where nobody has it. */
    requestControl() {
        this.#together.request();
    }

    /** Gives control up, or takes a request back. */
    releaseControl() {
        this.#input.keyboard.releaseAll();
        this.#together.release();
    }

    /** Takes control from whoever has it: owners only. */
    takeControl() {
        this.#together.take();
    }

    /** Gives control to somebody: whoever has it, and owners. @param {number} viewer */
    grantControl(viewer) {
        this.#together.grant(viewer);
    }

    /** Declines somebody's request: whoever has control, and owners. @param {number} viewer */
    declineControl(viewer) {
        this.#together.decline(viewer);
    }

    /** @param {Input} input */
    #send(input) {
        if (this.canInput) {
            this.#connection?.input(input);
        } else if (input.type === 'Pointer' && this.canPoint) {
            this.#together.point(input);
        }
    }

    /**
     * @param {LinkState} state
     * @param {ViewerError | null} error
     */
    #linkState(state, error) {
        if (state !== 'live') {
            this.#screen.reset();
            this.#together.reset();
        }
        this.#input.clear();
        this.#state = state;
        this.#emit('statechange', { state, error });
    }

    /** @param {ToViewer} message */
    #handle(message) {
        switch (message.type) {
            case 'Welcome': this.#welcomed(message); break;
            case 'Desktop': this.#screen.desktop(message); break;
            case 'Update': this.#screen.update(message); break;
            case 'CursorShape': this.#cursor.show(message); break;
            case 'Machine': this.#known.machineTold(message); break;
            case 'Leds':
                this.#input.keyboard.setLeds(message.leds);
                this.#emit('leds', { leds: message.leds });
                break;
            case 'RingBell': this.#emit('bell', {}); break;
            case 'GuestClipboard': this.#emit('clipboard', { text: message.text }); break;
            case 'Name': this.#known.named(message.name); break;
            case 'PointerMode': this.#pointerMode(message.absolute); break;
            case 'People': this.#peopleTold(message); break;
            case 'RemotePointer': this.#together.pointed(message); break;
            default: break;
        }
    }

    /** @param {Welcome} welcome */
    #welcomed(welcome) {
        this.#known.welcomed(welcome);
        if (!welcome.resumed) {
            this.#screen.forget();
            this.#input.keyboard.setLeds(null);
            this.#pointerMode(true);
        }
    }

    /** @param {People} message */
    #peopleTold(message) {
        const could = this.canInput;
        this.#together.told(message);
        if (could && !this.canInput) {
            this.#input.clear(); // the session has let go of everything already
        }
        this.#emit('people', this.company);
    }

    /** @param {boolean} absolute */
    #pointerMode(absolute) {
        this.#input.mouse.absolute = absolute;
        if (absolute && document.pointerLockElement === this.#canvas) {
            document.exitPointerLock();
        }
    }

    /**
     * @param {Drawn[]} drawn
     * @param {number} waiting
     */
    #drawn(drawn, waiting) {
        const { update: { update }, cost } = /** @type {Drawn} */ (drawn.at(-1));
        this.#session.drawn(update);
        this.#connection?.send({
            type: 'Ack', update, cost_ms: clamped(cost), waiting: clamped(waiting),
        });
        this.#stats.drawn(drawn);
        if (!this.#pictured && this.#screen.hasPicture) {
            this.#pictured = true;
            this.#emit('picture', {});
        }
    }

    /** @param {number} width @param {number} height */
    #resized(width, height) {
        this.#layout.apply();
        this.#emit('resize', { width, height });
    }

    /**
     * @param {string} type
     * @param {object} detail
     */
    #emit(type, detail) {
        this.dispatchEvent(new CustomEvent(type, { detail }));
    }
}
