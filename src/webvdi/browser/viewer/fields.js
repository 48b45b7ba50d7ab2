/**
 * Reading and writing the fields of a message: big-endian, bounds checked before anything else.
 */

import { ProtocolError } from './errors.js';

/** @typedef {Record<string, any>} Fields what a message's table line reads and writes */

const utf8 = new TextEncoder();
// A byte order mark is text like any other here, and text that is not UTF-8 is an error.
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads fields off a message; asking for more than there is ends in a ProtocolError. */
export class Reader {
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
export class Writer {
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
export function integer(size, low, high) {
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

export const u8 = integer(1, 0, 0xff);
export const u16 = integer(2, 0, 0xffff);
export const u32 = integer(4, 0, 0xffffffff);
export const i16 = integer(2, -0x8000, 0x7fff);
export const bit = integer(1, 0, 1);

/** @type {Kind} */
export const flag = {
    read: (reader) => bit.read(reader, {}) === 1,
    write: (writer, value) => u8.write(writer, value ? 1 : 0),
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
export const text16 = {
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
export function textRest(limit) {
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

/**
 * @param {Reader} reader
 * @param {[string, Kind][]} fields
 */
export function readAll(reader, fields) {
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
export function writeAll(writer, fields, values) {
    for (const [name, kind] of fields) {
        kind.write(writer, values[name]);
    }
}

/**
 * A `u16` count and so many of the same.
 * @param {[string, Kind][]} fields of each
 * @returns {Kind}
 */
export function counted(fields) {
    return {
        read(reader) {
            const count = u16.read(reader, {});
            return Array.from({ length: count }, () => readAll(reader, fields));
        },
        write(writer, value) {
            u16.write(writer, value.length);
            for (const each of value) {
                writeAll(writer, fields, each);
            }
        },
    };
}
