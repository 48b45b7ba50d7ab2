import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keysymOfCode } from '../../src/webvdi/browser/viewer/input/input.js';
import { Keyboard, keysymOf } from '../../src/webvdi/browser/viewer/input/keyboard.js';
import { SCANCODES } from '../../src/webvdi/browser/viewer/input/scancodes.js';
import { FakeClock } from './helpers.js';

/** A keyboard on some platform; `sent` reads like "down 1e a". */
class Bench {
    constructor(platform = {}) {
        this.clock = new FakeClock();
        this.messages = [];
        this.locks = new Set();
        this.keyboard = new Keyboard((message) => this.messages.push(message),
            { mac: false, windows: false, touch: false, ...platform }, this.clock);
    }

    event(code, key, more = {}) {
        const event = {
            code, key, location: 0, isComposing: false, keyCode: 0, metaKey: false, taken: false,
            preventDefault: () => {
                event.taken = true;
            },
            stopPropagation: () => {},
            getModifierState: (name) => this.locks.has(name),
            ...more,
        };
        return event;
    }

    down(code, key, more) {
        const event = this.event(code, key, more);
        this.keyboard.keydown(event);
        return event;
    }

    up(code, key, more) {
        const event = this.event(code, key, more);
        this.keyboard.keyup(event);
        return event;
    }

    sent() {
        const words = this.messages.map(({ type, down, scancode, keysym }) => (type !== 'Key' ? type
            : `${down ? 'down' : 'up'} ${scancode.toString(16)} ${keysym.toString(16)}`));
        this.messages = [];
        return words;
    }
}

test('a key goes out with its place and with what it says', () => {
    const bench = new Bench();
    assert.equal(bench.down('KeyA', 'a').taken, true);
    bench.up('KeyA', 'a');
    assert.deepEqual(bench.sent(), ['down 1e 61', 'up 1e 61']);
});

test('holding a key repeats its down', () => {
    const bench = new Bench();
    bench.down('KeyA', 'a');
    bench.down('KeyA', 'a');
    bench.up('KeyA', 'a');
    assert.deepEqual(bench.sent(), ['down 1e 61', 'down 1e 61', 'up 1e 61']);
});

test('a key goes up as it went down, even if Shift was let go in between', () => {
    const bench = new Bench();
    bench.down('ShiftLeft', 'Shift', { location: 1 });
    bench.down('KeyA', 'A');
    bench.up('ShiftLeft', 'Shift', { location: 1 });
    bench.up('KeyA', 'a');
    assert.deepEqual(bench.sent(), ['down 2a ffe1', 'down 1e 41', 'up 2a ffe1', 'up 1e 41']);
});

test('a key-up without its key-down is not ours', () => {
    const bench = new Bench();
    assert.equal(bench.up('Enter', 'Enter').taken, false);
    assert.deepEqual(bench.sent(), []);
});

test('keys of an input method are left to it', () => {
    const bench = new Bench();
    for (const more of [{ isComposing: true }, { keyCode: 229 }]) {
        assert.equal(bench.down('KeyA', 'a', more).taken, false);
    }
    assert.equal(bench.down('KeyA', 'Process').taken, false);
    assert.equal(bench.down('', 'Unidentified').taken, false);
    assert.deepEqual(bench.sent(), []);
});

test('a dead key goes out by its place alone', () => {
    const bench = new Bench();
    bench.down('BracketLeft', 'Dead');
    assert.deepEqual(bench.sent(), ['down 1a 0']);
});

test('a browser that hides the place still sends what the key says', () => {
    const bench = new Bench();
    bench.down('', 'a');
    bench.up('', 'a');
    assert.deepEqual(bench.sent(), ['down 0 61', 'up 0 61']);
});

test('losing the focus lets everything go, once', () => {
    const bench = new Bench();
    bench.down('ControlLeft', 'Control', { location: 1 });
    bench.sent();
    bench.keyboard.releaseAll();
    bench.keyboard.releaseAll();
    assert.deepEqual(bench.sent(), ['ReleaseKeys']);
    bench.up('ControlLeft', 'Control', { location: 1 });
    assert.deepEqual(bench.sent(), []);
});

test('AltGr on Windows is one key, not Control and Alt', () => {
    const bench = new Bench({ windows: true });
    bench.down('ControlLeft', 'Control', { location: 1 });
    bench.down('AltRight', 'AltGraph', { location: 2 });
    bench.down('KeyQ', '@');
    bench.up('KeyQ', '@');
    bench.up('ControlLeft', 'Control', { location: 1 });
    bench.up('AltRight', 'AltGraph', { location: 2 });
    assert.deepEqual(bench.sent(), ['down b8 fe03', 'down 10 40', 'up 10 40', 'up b8 fe03']);
});

test('Control alone on Windows goes out after a moment, or before what follows', () => {
    const bench = new Bench({ windows: true });
    bench.down('ControlLeft', 'Control', { location: 1 });
    assert.deepEqual(bench.sent(), []);
    bench.clock.advance(50);
    assert.deepEqual(bench.sent(), ['down 1d ffe3']);
    bench.up('ControlLeft', 'Control', { location: 1 });
    bench.sent();
    bench.down('ControlLeft', 'Control', { location: 1 });
    bench.down('KeyC', 'c');
    assert.deepEqual(bench.sent(), ['down 1d ffe3', 'down 2e 63']);
});

test('a quick tap of Control on Windows is not lost', () => {
    const bench = new Bench({ windows: true });
    bench.down('ControlLeft', 'Control', { location: 1 });
    bench.up('ControlLeft', 'Control', { location: 1 });
    assert.deepEqual(bench.sent(), ['down 1d ffe3', 'up 1d ffe3']);
});

test('Japanese keys that Windows never lets go are let go at once', () => {
    const bench = new Bench({ windows: true });
    bench.down('KanaMode', 'KanaMode');
    assert.deepEqual(bench.sent(), ['down 70 ff2d', 'up 70 ff2d']);
});

test('Print, which Windows reports only going up, is pressed and let go', () => {
    const bench = new Bench({ windows: true });
    bench.up('PrintScreen', 'PrintScreen');
    assert.deepEqual(bench.sent(), ['down 54 ff61', 'up 54 ff61']);
});

test('keys with Command on macOS go up at once, for their key-up never comes', () => {
    const bench = new Bench({ mac: true });
    bench.down('MetaLeft', 'Meta', { location: 1, metaKey: true });
    bench.down('KeyC', 'c', { metaKey: true });
    bench.up('MetaLeft', 'Meta', { location: 1 });
    assert.deepEqual(bench.sent(), ['down db ffeb', 'down 2e 63', 'up 2e 63', 'up db ffeb']);
});

test('a key held when Command comes is let go with it', () => {
    const bench = new Bench({ mac: true });
    bench.down('KeyC', 'c');
    bench.down('MetaLeft', 'Meta', { location: 1, metaKey: true });
    bench.up('MetaLeft', 'Meta', { location: 1 });
    assert.deepEqual(bench.sent(), ['down 2e 63', 'down db ffeb', 'up db ffeb', 'up 2e 63']);
});

test('Caps Lock on macOS, which goes down for on and up for off, is pressed each time', () => {
    const bench = new Bench({ mac: true });
    bench.down('CapsLock', 'CapsLock');
    bench.up('CapsLock', 'CapsLock');
    assert.deepEqual(bench.sent(), [
        'down 3a ffe5', 'up 3a ffe5', 'down 3a ffe5', 'up 3a ffe5']);
});

test('Caps Lock that differs from the guest is put right before a letter, once', () => {
    const bench = new Bench();
    bench.keyboard.setLeds(0);
    bench.locks.add('CapsLock');
    bench.down('Digit1', '1');
    assert.deepEqual(bench.sent(), ['down 2 31']);
    bench.down('KeyA', 'A');
    assert.deepEqual(bench.sent(), ['down 3a ffe5', 'up 3a ffe5', 'down 1e 41']);
    bench.down('KeyB', 'B');
    assert.deepEqual(bench.sent(), ['down 30 42']);
});

test('pressing Caps Lock oneself is not put right afterwards', () => {
    const bench = new Bench();
    bench.keyboard.setLeds(0);
    bench.down('CapsLock', 'CapsLock');
    bench.locks.add('CapsLock');
    bench.up('CapsLock', 'CapsLock');
    bench.down('KeyA', 'A');
    assert.deepEqual(bench.sent(), ['down 3a ffe5', 'up 3a ffe5', 'down 1e 41']);
});

test('Num Lock is put right before a key of the number pad', () => {
    const bench = new Bench();
    bench.keyboard.setLeds(2);
    bench.down('Numpad1', 'End', { location: 3 });
    assert.deepEqual(bench.sent(), ['down 45 ff7f', 'up 45 ff7f', 'down 4f ff9c']);
});

test('a guest that says nothing about its lights is left alone', () => {
    const bench = new Bench();
    bench.locks.add('CapsLock');
    bench.down('KeyA', 'A');
    assert.deepEqual(bench.sent(), ['down 1e 41']);
});

test('Control, Alt and Shift alone are the way out; with another key they are not', () => {
    const bench = new Bench();
    let chords = 0;
    bench.keyboard.onchord = () => {
        chords += 1;
    };
    const names = [['ControlLeft', 'Control'], ['AltLeft', 'Alt'], ['ShiftLeft', 'Shift']];
    names.forEach(([code, key]) => bench.down(code, key, { location: 1 }));
    names.forEach(([code, key]) => bench.up(code, key, { location: 1 }));
    assert.equal(chords, 1);
    names.forEach(([code, key]) => bench.down(code, key, { location: 1 }));
    bench.down('KeyA', 'A');
    bench.up('KeyA', 'A');
    names.forEach(([code, key]) => bench.up(code, key, { location: 1 }));
    assert.equal(chords, 1);
    assert.equal(bench.sent().length, 14); // the guest had them all
});

test('a combination goes down in order and up in reverse', () => {
    const bench = new Bench();
    bench.keyboard.combination(['ControlLeft', 'AltLeft', 'Delete'], keysymOfCode);
    assert.deepEqual(bench.sent(), [
        'down 1d ffe3', 'down 38 ffe9', 'down d3 ffff',
        'up d3 ffff', 'up 38 ffe9', 'up 1d ffe3']);
});

test('keysyms: Latin-1, older tables, Unicode, names, sides and the number pad', () => {
    const expected = [
        ['a', 0, 0x61], ['é', 0, 0xe9], ['ą', 0, 0x1b1], ['€', 0, 0x20ac], ['あ', 0, 0x1003042],
        ['😀', 0, 0x101f600], ['ア', 0, 0x4b1], ['Enter', 0, 0xff0d], ['Enter', 3, 0xff8d],
        ['Shift', 1, 0xffe1], ['Shift', 2, 0xffe2], ['Meta', 2, 0xffec], ['5', 3, 0xffb5],
        ['F1', 0, 0xffbe], ['F24', 0, 0xffd5], ['Dead', 0, 0], ['constructor', 0, 0], ['', 0, 0],
    ];
    for (const [key, location, keysym] of expected) {
        assert.equal(keysymOf(key, location), keysym, key);
    }
});

test('keysyms by code for combinations', () => {
    const expected = { KeyW: 0x77, Digit1: 0x31, Tab: 0xff09, AltRight: 0xffea, Space: 0x20 };
    for (const [code, keysym] of Object.entries(expected)) {
        assert.equal(keysymOfCode(code), keysym, code);
    }
});

test('scancodes: the corners of the table', () => {
    const expected = {
        Escape: 1, Digit0: 0x0b, Minus: 0x0c, Tab: 0x0f, KeyP: 0x19, BracketRight: 0x1b,
        Backquote: 0x29, ShiftRight: 0x36, F10: 0x44, ScrollLock: 0x46, NumpadDecimal: 0x53,
        PrintScreen: 0x54, IntlBackslash: 0x56, F12: 0x58, IntlRo: 0x73, IntlYen: 0x7d,
        KanaMode: 0x70, Convert: 0x79, NonConvert: 0x7b, Lang5: 0x76, AltRight: 0xb8,
        Pause: 0xc6, Home: 0xc7, PageUp: 0xc9, End: 0xcf, Delete: 0xd3, MetaLeft: 0xdb,
        ContextMenu: 0xdd, OSLeft: 0xdb, BrowserBack: 0xea, MediaSelect: 0xed, Sleep: 0xdf,
    };
    for (const [code, scancode] of Object.entries(expected)) {
        assert.equal(SCANCODES.get(code), scancode, code);
    }
});

test('scancodes: every one is of set 1, and no two keys share one but by alias', () => {
    const seen = new Map();
    for (const [code, scancode] of SCANCODES) {
        assert.ok(Number.isInteger(scancode) && scancode > 0 && scancode < 0x100, code);
        seen.set(scancode, [...(seen.get(scancode) ?? []), code]);
    }
    const shared = [...seen.values()].filter((codes) => codes.length > 1).flat();
    assert.deepEqual(shared.filter((code) => !/^(OS|Meta|Lang[34]|Hiragana|Katakana|(Audio)?Volume)/
        .test(code)), []);
});
