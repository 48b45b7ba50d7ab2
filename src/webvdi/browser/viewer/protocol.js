/**
 * The viewer protocol, version 3: messages to bytes and back, and nothing else.
 *
 * Each message is one line of a table that reads like docs/reference/viewer-protocol.md; the
 * same golden vectors (tests/goldens/wire) hold this file and `webvdi.wire` to it.
 */

import { ProtocolError } from './errors.js';
import {
    Reader, Writer, bit, counted, flag, i16, integer, readAll, text16, textRest, u16, u32, u8,
    writeAll,
} from './fields.js';

/** @import { Fields, Kind } from './fields.js' */
/** @import { FromViewer, ToViewer } from './wire_types.js' */

const utf8 = new TextEncoder();

export const VERSION = 3;
export const MAX_TEXT_BYTES = 4096;
export const MAX_CLIPBOARD_BYTES = 1 << 20;
export const MAX_NOTCHES = 20;

export const Credential = Object.freeze({ TICKET: 0, RESUME_KEY: 1 });
export const Capability = Object.freeze({ JPEG: 1, PNG: 2, TILES: 4 });
export const Codec = Object.freeze({
    COPY: 0, FILL: 1, INDEXED: 2, PNG: 3, JPEG: 4, VIDEO: 5, SHEET: 6, CACHED: 7, KEEP: 8,
});
export const Role = Object.freeze({ OBSERVER: 1, CONTROLLER: 2, OWNER: 3 });
/** What of an update is only nearly right: something (its JPEG); all pixels that it brings. */
export const Loss = Object.freeze({ NONE: 0, SOME: 1, SKETCH: 2 });
export const MachineState = Object.freeze({
    CONNECTING: 0, LIVE: 1, LOST: 2, OFF: 3, PAUSED: 4, CREDENTIALS: 5, FAILED: 6,
});
export const Reason = Object.freeze({
    TICKET_INVALID: 1, RESUME_UNKNOWN: 2, PROTOCOL_ERROR: 3, SESSION_ENDED: 4,
    TOO_MANY_VIEWERS: 5, SUPERSEDED: 6, REVOKED: 7, RESTARTING: 8,
});

export const ControlAction = Object.freeze({
    REQUEST: 0, RELEASE: 1, TAKE: 2, GRANT: 3, DECLINE: 4,
});
export const PersonFlag = Object.freeze({ CONTROLS: 1, ASKS: 2, YOU: 4, SAME_PERSON: 8 });
export const COLOURS = 8;

const notches = integer(2, -MAX_NOTCHES, MAX_NOTCHES);
const version = integer(1, VERSION, VERSION);
const codec = integer(1, Codec.COPY, Codec.KEEP);

/** @type {Kind} the other bits are for later versions */
const loss = {
    read: (reader) => u8.read(reader, {}) & (Loss.SOME | Loss.SKETCH),
    write: u8.write,
};

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

const role = integer(1, Role.OBSERVER, Role.OWNER);

const pieces = counted([
    ['codec', codec], ['x', u16], ['y', u16], ['width', u16], ['height', u16],
    ['payload', payload],
]);

const people = counted([
    ['viewer', u32], ['role', role], ['flags', u8], ['colour', integer(1, 0, COLOURS - 1)],
    ['name', text16],
]);

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
    line(0x02, 'Ack', { update: u32, cost_ms: u16, waiting: u16 }),
    line(0x03, 'Visibility', { visible: flag }),
    line(0x04, 'Ping', { token: u32 }),
    line(0x05, 'Pong', { token: u32 }),
    line(0x06, 'GiveCredentials', { username: text16, password: text16 }),
    line(0x07, 'Control', { action: integer(1, 0, ControlAction.DECLINE), viewer: u32 }),
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
        version, viewer: u32, role, resumed: flag,
        last_input: u32, resume_key: text16, name: text16,
    }),
    line(0x82, 'Desktop', { width: u16, height: u16 }),
    line(0x83, 'Update', { update: u32, lossy: loss, pieces }),
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
    line(0x8f, 'People', { people }),
    line(0x90, 'RemotePointer', { viewer: u32, shown: flag, x: u16, y: u16 }),
];

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
