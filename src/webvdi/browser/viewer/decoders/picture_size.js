/** What picture files say of their size, looked up before anything is decoded. Pure. */

import { ProtocolError } from '../errors.js';

/** @import { Size } from './registry.js' */

export const PNG = 'image/png';
export const JPEG = 'image/jpeg';

/** A PNG begins with its signature and its IHDR's length and name (W3C PNG, 5.2 and 11.2.1). */
const PNG_START = [0x89504e47, 0x0d0a1a0a, 0x0000000d, 0x49484452];

/** Markers of a JPEG (ITU-T T.81, B.1.1.3). */
const SOI = 0xffd8;
/** Frames that browsers decode: baseline, extended sequential, progressive. */
const FRAMES = [0xffc0, 0xffc1, 0xffc2];
/** Segments before it, of which each has a length: tables, comments, what applications wrote. */
const isBefore = (/** @type {number} */ marker) => (
    marker === 0xffc4 || marker === 0xffdb || marker === 0xffdd || marker >= 0xffe0);
/** So many are looked at; no encoder has reason to write more. */
const MAX_SEGMENTS = 64;

/** @param {Uint8Array} file */
const viewOf = ({ buffer, byteOffset, byteLength }) => new DataView(buffer, byteOffset, byteLength);

/**
 * @param {Uint8Array} file
 * @returns {Size}
 * @throws {ProtocolError} it is none
 */
export function sizeOfPng(file) {
    const view = viewOf(file);
    if (file.length < 24 || PNG_START.some((word, at) => view.getUint32(4 * at) !== word)) {
        throw new ProtocolError('a PNG that is none');
    }
    return { width: view.getUint32(16), height: view.getUint32(20) };
}

/**
 * @param {Uint8Array} file
 * @returns {Size}
 * @throws {ProtocolError} it is none, or none that every browser decodes
 */
export function sizeOfJpeg(file) {
    const view = viewOf(file);
    if (file.length >= 2 && view.getUint16(0) === SOI) {
        let at = 2;
        for (let segment = 0; segment <= MAX_SEGMENTS && at + 9 <= file.length; segment += 1) {
            const marker = view.getUint16(at);
            if (FRAMES.includes(marker)) { // length, precision, height, width (B.2.2)
                return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
            }
            if (!isBefore(marker)) {
                break;
            }
            at += 2 + view.getUint16(at + 2);
        }
    }
    throw new ProtocolError('a JPEG that is none');
}

/**
 * @param {Uint8Array} file
 * @param {string} type a MIME type
 */
export const sizeOf = (file, type) => (type === PNG ? sizeOfPng : sizeOfJpeg)(file);
