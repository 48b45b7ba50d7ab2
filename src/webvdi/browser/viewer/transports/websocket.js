/**
 * Messages over a WebSocket, one binary message each.
 *
 * A transport is the part of WebSocket that a viewer needs, and any other way to carry messages
 * looks the same: see {@link Transport}.
 */

/**
 * @typedef {object} Transport
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} send only between onopen and onclose
 * @property {() => void} close no handler is called after it
 * @property {number} bufferedAmount bytes given to send and not yet on their way
 * @property {(() => void) | null} onopen called once
 * @property {((bytes: Uint8Array<ArrayBuffer>) => void) | null} onmessage once a message
 * @property {((why: string) => void) | null} onclose called once, for whatever reason
 */

export const SUBPROTOCOL = 'webvdi.v1';

/** @implements {Transport} */
export class WebSocketTransport {
    /** @type {(() => void) | null} */
    onopen = null;
    /** @type {((bytes: Uint8Array<ArrayBuffer>) => void) | null} */
    onmessage = null;
    /** @type {((why: string) => void) | null} */
    onclose = null;
    #socket;

    /** @param {string | URL} url http(s) or ws(s) */
    constructor(url) {
        const address = new URL(url);
        address.protocol = address.protocol.replace('http', 'ws');
        const socket = new WebSocket(address, SUBPROTOCOL);
        socket.binaryType = 'arraybuffer';
        socket.onopen = () => this.onopen?.();
        socket.onmessage = ({ data }) => {
            // A text message is not ours; as no bytes at all it is a protocol error.
            this.onmessage?.(new Uint8Array(data instanceof ArrayBuffer ? data : new ArrayBuffer(0)));
        };
        socket.onclose = ({ code, reason }) => this.onclose?.(reason || `code ${code}`);
        this.#socket = socket;
    }

    get bufferedAmount() {
        return this.#socket.bufferedAmount;
    }

    /** @param {Uint8Array<ArrayBuffer>} bytes */
    send(bytes) {
        this.#socket.send(bytes);
    }

    close() {
        const socket = this.#socket;
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
    }
}
