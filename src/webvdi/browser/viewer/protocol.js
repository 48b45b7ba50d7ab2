/**
 * The viewer protocol, version 1: messages to bytes and back, and nothing else.
 *
 * Each message is one line of a table that reads like docs/reference/viewer-protocol.md; the
 * same golden vectors (tests/goldens/wire) hold this file and `webvdi.wire` to it.
 */

import { ProtocolError } from './errors.js';

/** @import { FromViewer, Piece, ToViewer } from './wire_types.js' */

export const VERSION = 1;
export const MAX_TEXT_BYTES = 4096;
export const MAX_CLIPBOARD_BYTES = 1 << 20;
export const MAX_NOTCHES = 20;

export const Credential = Object.freeze({ TICKET: 0, RESUME_KEY: 1 });
export const Capability = Object.freeze({ JPEG: 1, PNG: 2 });
export const Codec = Object.freeze({ COPY: 0, FILL: 1, INDEXED: 2, PNG: 3, JPEG: 4 });
export const Role = Object.freeze({ OBSERVER: 1, CONTROLLER: 2, OWNER: 3 });
export const MachineState = Object.freeze({
    CONNECTING: 0, LIVE: 1, LOST: 2, OFF: 3, PAUSED: 4, CREDENTIALS: 5, FAILED: 6,
});
export const Reason = Object.freeze({
    TICKET_INVALID: 1, RESUME_UNKNOWN: 2, PROTOCOL_ERROR: 3, SESSION_ENDED: 4,
    TOO_MANY_VIEWERS: 5, SUPERSEDED: 6, REVOKED: 7, RESTARTING: 8,
});

/** @typedef {Record<string, any>} Fields what a message's table line reads and writes */

const utf8 = new TextEncoder();
// A byte order mark is text like any other here, and text that is not UTF-8 is an error.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads fields off a message; asking for more than there is ends in a ProtocolError. */
class Reader {
    /** @param {Uint8Array<ArrayBuffer>} bytes */
    constructor(bytes) {
        this.bytes = bytes;
        this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        this.offset = 0;
    }

    /** @param {number} count */
    skip(count) {
        const start = this.offset;
        if (count > this.bytes.length - start) {
            throw new ProtocolError(`${count} bytes wanted, ${this.bytes.length - start} left`);
        }
        this.offset += count;
        return start;
    }

    /** @param {number} count a view of so many bytes, no copy */
    take(count) {
        const start = this.skip(count);
        return this.bytes.subarray(start, start + count);
    }

    rest() {
        return this.take(this.bytes.length - this.offset);
    }

    end() {
        if (this.offset !== this.bytes.length) {
            throw new ProtocolError(`${this.bytes.length - this.offset} bytes left over`);
        }
    }
}

/** Collects a message's bytes in pieces. */
class Writer {
    constructor() {
        /** @type {Uint8Array[]} */
        this.parts = [];
    }

    /**
     * @param {number} size
     * @param {(view: DataView) => void} put
     */
    number(size, put) {
        const part = new Uint8Array(size);
        put(new DataView(part.buffer));
        this.parts.push(part);
    }

    /** @param {Uint8Array} bytes */
    add(bytes) {
        this.parts.push(bytes);
    }

    finish() {
        const whole = new Uint8Array(this.parts.reduce((sum, part) => sum + part.length, 0));
        let offset = 0;
        for (const part of this.parts) {
            whole.set(part, offset);
            offset += part.length;
        }
        return whole;
    }
}

/**
 * @typedef {object} Kind how one field travels
 * @property {(reader: Reader, soFar: Fields) => any} read
 * @property {(writer: Writer, value: any) => void} write
 */

/**
 * @param {number} size in bytes
 * @param {number} low smallest value allowed
 * @param {number} high largest value allowed
 * @returns {Kind}
 */
function integer(size, low, high) {
    const signed = low < 0;
    return {
        read(reader) {
            const { view } = reader;
            const at = reader.skip(size);
            const value = size === 1 ? view.getUint8(at)
                : size === 4 ? view.getUint32(at)
                    : signed ? view.getInt16(at) : view.getUint16(at);
            if (value < low || value > high) {
                throw new ProtocolError(`${value} is not in ${low}..${high}`);
            }
            return value;
        },
        write(writer, value) {
            if (!Number.isInteger(value) || value < low || value > high) {
                throw new RangeError(`${value} is not an integer in ${low}..${high}`);
            }
            writer.number(size, (view) => {
                if (size === 1) {
                    view.setUint8(0, value);
                } else if (size === 4) {
                    view.setUint32(0, value);
                } else {
                    view.setInt16(0, value); // two's complement: right for both signs
                }
            });
        },
    };
}

const u8 = integer(1, 0, 0xff);
const u16 = integer(2, 0, 0xffff);
const u32 = integer(4, 0, 0xffffffff);
const i16 = integer(2, -0x8000, 0x7fff);
const notches = integer(2, -MAX_NOTCHES, MAX_NOTCHES);
const version = integer(1, VERSION, VERSION);
const codec = integer(1, Codec.COPY, Codec.JPEG);

const bit = integer(1, 0, 1);

/** @type {Kind} */
const flag = {
    read: (reader) => bit.read(reader, {}) === 1,
    write: (writer, value) => u8.write(writer, value ? 1 : 0),
};

/** @type {Kind} bit 0; the other bits are for later versions */
const lossyFlag = {
    read: (reader) => (u8.read(reader, {}) & 1) === 1,
    write: flag.write,
};

/** @param {Uint8Array} bytes */
function decodeText(bytes) {
    try {
        return strictUtf8.decode(bytes);
    } catch {
        throw new ProtocolError('text is not UTF-8');
    }
}

/** @type {Kind} */
const text16 = {
    read: (reader) => decodeText(reader.take(u16.read(reader, {}))),
    write(writer, value) {
        const bytes = utf8.encode(value);
        u16.write(writer, bytes.length);
        writer.add(bytes);
    },
};

/**
 * @param {number} limit in bytes
 * @returns {Kind}
 */
function textRest(limit) {
    return {
        read(reader) {
            const bytes = reader.rest();
            if (bytes.length > limit) {
                throw new ProtocolError(`text of ${bytes.length} bytes, at most ${limit} allowed`);
            }
            return decodeText(bytes);
        },
        write(writer, value) {
            const bytes = utf8.encode(value);
            if (bytes.length > limit) {
                throw new RangeError(`text of ${bytes.length} bytes, at most ${limit} allowed`);
            }
            writer.add(bytes);
        },
    };
}

/** @type {Kind} a cursor's pixels: their number follows from the fields before */
const rgba = {
    read: (reader, { width, height }) => reader.take(width * height * 4),
    write: (writer, value) => writer.add(value),
};

/** @type {Kind} */
const payload = {
    read: (reader) => reader.take(u32.read(reader, {})),
    write(writer, value) {
        u32.write(writer, value.length);
        writer.add(value);
    },
};

/** @type {[string, Kind][]} */
const PIECE = [
    ['codec', codec], ['x', u16], ['y', u16], ['width', u16], ['height', u16],
    ['payload', payload],
];

/** @type {Kind} */
const pieces = {
    read(reader) {
        const count = u16.read(reader, {});
        return Array.from({ length: count }, () => /** @type {Piece} */ (readAll(reader, PIECE)));
    },
    write(writer, value) {
        u16.write(writer, value.length);
        for (const piece of value) {
            writeAll(writer, PIECE, piece);
        }
    },
};

/** @typedef {{code: number, type: string, fields: [string, Kind][]}} Line */

/**
 * @param {number} code
 * @param {string} type
 * @param {Record<string, Kind>} fields in their order on the wire
 * @returns {Line}
 */
const line = (code, type, fields) => ({ code, type, fields: Object.entries(fields) });

const FROM_VIEWER = [
    line(0x01, 'Attach', {
        version, kind: bit, credential: text16, last_update: u32,
        capabilities: u32, width: u16, height: u16,
    }),
    line(0x02, 'Ack', { update: u32, cost_ms: u16 }),
    line(0x03, 'Visibility', { visible: flag }),
    line(0x04, 'Ping', { token: u32 }),
    line(0x05, 'Pong', { token: u32 }),
    line(0x06, 'GiveCredentials', { username: text16, password: text16 }),
    line(0x10, 'Key', { input: u32, down: flag, keysym: u32, scancode: u16 }),
    line(0x11, 'Pointer', { input: u32, x: u16, y: u16, buttons: u16 }),
    line(0x12, 'Motion', { input: u32, dx: i16, dy: i16, buttons: u16 }),
    line(0x13, 'Wheel', { input: u32, x: u16, y: u16, dx: notches, dy: notches }),
    line(0x14, 'ReleaseKeys', { input: u32 }),
    line(0x15, 'Text', { input: u32, text: textRest(MAX_TEXT_BYTES) }),
    line(0x16, 'Clipboard', { input: u32, text: textRest(MAX_CLIPBOARD_BYTES) }),
    line(0x17, 'ScreenSize', { input: u32, width: u16, height: u16 }),
];

const TO_VIEWER = [
    line(0x81, 'Welcome', {
        version, viewer: u32, role: integer(1, Role.OBSERVER, Role.OWNER), resumed: flag,
        last_input: u32, resume_key: text16, name: text16,
    }),
    line(0x82, 'Desktop', { width: u16, height: u16 }),
    line(0x83, 'Update', { update: u32, lossy: lossyFlag, pieces }),
    line(0x84, 'CursorShape', { hot_x: u16, hot_y: u16, width: u16, height: u16, rgba }),
    line(0x85, 'Machine', { state: integer(1, 0, MachineState.FAILED), detail: text16 }),
    line(0x86, 'Leds', { leds: u8 }),
    line(0x87, 'RingBell', {}),
    line(0x88, 'GuestClipboard', { text: textRest(MAX_CLIPBOARD_BYTES) }),
    line(0x89, 'Name', { name: textRest(0xffff) }),
    line(0x8a, 'PointerMode', { absolute: flag }),
    line(0x8b, 'InputAck', { input: u32 }),
    line(0x8c, 'Pong', { token: u32 }),
    line(0x8d, 'Ping', { token: u32 }),
    line(0x8e, 'Farewell', { reason: integer(1, 1, Reason.RESTARTING), message: text16 }),
];

/**
 * @param {Reader} reader
 * @param {[string, Kind][]} fields
 */
function readAll(reader, fields) {
    /** @type {Fields} */
    const values = {};
    for (const [name, kind] of fields) {
        values[name] = kind.read(reader, values);
    }
    return values;
}

/**
 * @param {Writer} writer
 * @param {[string, Kind][]} fields
 * @param {Fields} values
 */
function writeAll(writer, fields, values) {
    for (const [name, kind] of fields) {
        kind.write(writer, values[name]);
    }
}

/**
 * @param {Line[]} table
 * @param {Fields} message
 */
function encode(table, message) {
    const entry = table.find(({ type }) => type === message['type']);
    if (!entry) {
        throw new TypeError(`there is no message ${message['type']} in this direction`);
    }
    const writer = new Writer();
    u8.write(writer, entry.code);
    writeAll(writer, entry.fields, message);
    return writer.finish();
}

/**
 * @param {Line[]} table
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function decode(table, bytes) {
    const entry = table.find(({ code }) => code === bytes[0]);
    if (!entry) {
        throw new ProtocolError(`there is no message of type ${bytes[0]}`);
    }
    const reader = new Reader(bytes);
    reader.skip(1);
    const message = { type: entry.type, ...readAll(reader, entry.fields) };
    reader.end();
    return message;
}

/**
 * The bytes of a message to the session.
 * @param {FromViewer} message
 */
export const encodeFromViewer = (message) => encode(FROM_VIEWER, message);

/**
 * A message as a viewer reads it; its byte fields are views into *bytes*.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @throws {ProtocolError}
 */
export const decodeToViewer = (bytes) => /** @type {ToViewer} */ (decode(TO_VIEWER, bytes));

/**
 * The session's half, for tests and scripted servers.
 * @param {ToViewer} message
 */
export const encodeToViewer = (message) => encode(TO_VIEWER, message);

/**
 * The session's half, for tests and scripted servers.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @throws {ProtocolError}
 */
export const decodeFromViewer = (bytes) => /** @type {FromViewer} */ (decode(FROM_VIEWER, bytes));

/**
 * Cuts text into parts of at most *limit* UTF-8 bytes, never within a character.
 * @param {string} text
 * @param {number} [limit]
 */
export function* textParts(text, limit = MAX_TEXT_BYTES) {
    let part = '';
    let size = 0;
    for (const character of text) {
        const cost = utf8.encode(character).length;
        if (size + cost > limit) {
            yield part;
            part = '';
            size = 0;
        }
        part += character;
        size += cost;
    }
    if (part) {
        yield part;
    }
}
