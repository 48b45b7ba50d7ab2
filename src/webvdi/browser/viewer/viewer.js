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
import { Layout } from './layout.js';
import { MAX_CLIPBOARD_BYTES, MachineState, Role, textParts } from './protocol.js';
import { Screen } from './screen.js';
import { Session } from './session.js';
import { Stats } from './stats.js';
import { WebSocketTransport } from './transports/websocket.js';

/** @import { Input, Machine, ToViewer, Welcome } from './wire_types.js' */
/** @import { LinkState } from './connect.js' */
/** @import { Drawn } from './screen.js' */
/** @import { Transport } from './transports/websocket.js' */

/**
 * @typedef {object} ConnectDetails
 * @property {string | URL} url of the WebSocket; http and https will do
 * @property {() => Promise<string>} ticket a fresh ticket; throw a ViewerError that is `final`
 *     where trying again is of no use
 * @property {() => Transport} [transport] another way to carry messages
 *
 * @typedef {object} Options
 * @property {'fit' | 'off'} [scaling] 'fit' by default; 'off': one screen pixel is one CSS pixel
 * @property {boolean} [viewOnly] send no input
 * @property {string} [label] what a screen reader calls the picture
 */

const MACHINE_STATES = Object.keys(MachineState).map((name) => name.toLowerCase());
const ROLES = ['', ...Object.keys(Role).map((name) => name.toLowerCase())];
const STATS_EVERY_MS = 1000;

/**
 * Events, each a CustomEvent with this `detail`:
 *
 * - `statechange` {state, error}: connecting, live, reconnecting or ended; error or null
 * - `machine` {state, detail}: connecting, live, lost, off, paused, credentials or failed
 * - `credentialsrequired` {fields, retry}: answer with {@link sendCredentials}
 * - `picture` {}: the first pixels are there
 * - `resize` {width, height} · `name` {name} · `role` {role} · `leds` {leds} · `bell` {}
 * - `clipboard` {text}: what the guest copied · `stats` Summary, once a second
 * - `chord` {}: Control+Alt+Shift alone, the keyboard's way from the guest to the page
 */
export class Viewer extends EventTarget {
    /** @type {Connection | null} */
    #connection = null;
    #canvas = document.createElement('canvas');
    #abort = new AbortController();
    #viewOnly;
    #role = '';
    #name = '';
    #machine = { state: 'connecting', detail: '' };
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

    /**
     * @param {HTMLElement} element filled by the screen; has a size of its own
     * @param {ConnectDetails} details
     * @param {Options} [options]
     */
    constructor(element, details, { scaling = 'fit', viewOnly = false, label = 'Screen' } = {}) {
        super();
        this.#element = element;
        this.#details = details;
        this.#viewOnly = viewOnly;
        this.#furnish(label);
        this.#screen = new Screen(this.#canvas, {
            drawn: (drawn) => this.#drawn(drawn),
            resized: (width, height) => this.#resized(width, height),
            failed: (error) => this.#connection?.fail(error),
        });
        this.#layout = new Layout(element, this.#canvas);
        this.#cursor = new Cursor(this.#canvas, this.#layout);
        this.#layout.onchange = () => this.#cursor.place();
        this.#layout.scaling = scaling;
        this.#input = new InputDevices(element, this.#canvas, this.#layout,
            (input) => this.#send(input), (text) => this.sendText(text), {
                enabled: () => this.canInput,
                pointerUsed: (touch) => this.#cursor.setTouch(touch),
                moved: (x, y) => this.#cursor.moveTo(x, y),
                chord: () => this.#emit('chord', {}),
            });
        this.#watchPage();
    }

    /** @param {string} label */
    #furnish(label) {
        const canvas = this.#canvas;
        canvas.width = canvas.height = 0;
        canvas.tabIndex = 0;
        canvas.setAttribute('role', 'img');
        canvas.setAttribute('aria-label', label);
        canvas.style.cssText = 'position:absolute;display:block;touch-action:none;outline:none';
        if (getComputedStyle(this.#element).position === 'static') {
            this.#element.style.position = 'relative';
        }
        this.#element.append(canvas);
    }

    #watchPage() {
        const options = { signal: this.#abort.signal };
        const wake = () => this.#connection?.wake();
        window.addEventListener('online', wake, options);
        window.addEventListener('pageshow', wake, options);
        document.addEventListener('visibilitychange', () => (
            this.#connection?.setVisible(!document.hidden)), options);
        const timer = setInterval(() => {
            if (this.#state === 'live' && !document.hidden) {
                this.#emit('stats', this.#stats.summary());
            }
        }, STATS_EVERY_MS);
        this.#abort.signal.addEventListener('abort', () => clearInterval(timer));
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
        return this.#machine;
    }

    get role() {
        return this.#role;
    }

    get name() {
        return this.#name;
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

    /** Whether what is typed here reaches the guest. */
    get canInput() {
        return !this.#viewOnly && this.#role !== '' && this.#role !== 'observer'
            && this.#state !== 'ended';
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

    stats() {
        return this.#stats.summary();
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

    /** @param {Input} input */
    #send(input) {
        if (this.canInput) {
            this.#connection?.input(input);
        }
    }

    /**
     * @param {LinkState} state
     * @param {ViewerError | null} error
     */
    #linkState(state, error) {
        if (state !== 'live') {
            this.#screen.reset();
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
            case 'Machine': this.#machineState(message); break;
            case 'Leds':
                this.#input.keyboard.setLeds(message.leds);
                this.#emit('leds', { leds: message.leds });
                break;
            case 'RingBell': this.#emit('bell', {}); break;
            case 'GuestClipboard': this.#emit('clipboard', { text: message.text }); break;
            case 'Name': this.#named(message.name); break;
            case 'PointerMode': this.#pointerMode(message.absolute); break;
            default: break;
        }
    }

    /** @param {Welcome} welcome */
    #welcomed({ role, name, resumed }) {
        this.#role = /** @type {string} */ (ROLES[role]);
        this.#emit('role', { role: this.#role });
        this.#named(name);
        if (!resumed) {
            this.#input.keyboard.setLeds(null);
            this.#pointerMode(true);
        }
    }

    /** @param {string} name */
    #named(name) {
        this.#name = name;
        this.#emit('name', { name });
    }

    /** @param {boolean} absolute */
    #pointerMode(absolute) {
        this.#input.mouse.absolute = absolute;
        if (absolute && document.pointerLockElement === this.#canvas) {
            document.exitPointerLock();
        }
    }

    /** @param {Machine} machine */
    #machineState({ state, detail }) {
        const name = /** @type {string} */ (MACHINE_STATES[state]);
        this.#machine = { state: name, detail };
        this.#emit('machine', this.#machine);
        if (state === MachineState.CREDENTIALS) {
            const words = detail.split(' ');
            const fields = words.filter((word) => word !== 'retry');
            this.#emit('credentialsrequired', { fields, retry: words.includes('retry') });
        }
    }

    /** @param {Drawn} drawn */
    #drawn(drawn) {
        const { update } = drawn.update;
        this.#session.drawn(update);
        const cost = Math.min(0xffff, Math.round(drawn.cost));
        this.#connection?.send({ type: 'Ack', update, cost_ms: cost });
        this.#stats.drawn(drawn);
        if (!this.#pictured && this.#screen.hasPicture) {
            this.#pictured = true;
            this.#emit('picture', {});
        }
    }

    /**
     * @param {number} width
     * @param {number} height
     */
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
