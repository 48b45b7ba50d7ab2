import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConsoleText, MAX_COLUMNS, MAX_LINES } from '../../src/webvdi/browser/portal/ansi.js';

const shown = (...pieces) => {
    const text = new ConsoleText();
    pieces.forEach((piece) => text.write(piece));
    return text.text;
};

const CASES = [
    ['plain text', 'hello\r\nworld', 'hello\nworld'],
    ['colours', '\x1b[1;32m[  OK  ]\x1b[0m Started', '[  OK  ] Started'],
    ['private modes and intermediate bytes', 'a\x1b[?25l\x1b[!p\x1b[1 qb', 'ab'],
    ['a window title, ended by BEL', '\x1b]0;title\x07$ ', '$ '],
    ['a window title, ended by ST', '\x1b]0;title\x1b\\$ ', '$ '],
    ['two-byte and charset escapes', '\x1b(B\x1b7\x1bM\x1b=ok', 'ok'],
    ['a progress line that is written over', ' 10%\r 20%\r100%', '100%'],
    ['a shorter text over a longer one', 'abcdef\rxy', 'xycdef'],
    ['erase to the end of the line', 'abcdef\rxy\x1b[K', 'xy'],
    ['erase the whole line', 'abcdef\x1b[2K\rz', 'z'],
    ['erasing before the cursor is not done', 'abc\x1b[1K', 'abc'],
    ['backspace', 'abd\bc', 'abc'],
    ['a tab goes to the next stop', 'a\tb', 'a       b'],
    ['control characters and deletes are dropped', 'a\x00\x01\x07b\x7f', 'ab'],
    ['text beyond ASCII', 'ログイン: é', 'ログイン: é'],
    ['an unknown escape is dropped alone', 'a\x1b\u3042b', 'a\u3042b'],
];

for (const [what, input, output] of CASES) {
    test(`${what}, in one piece and cut anywhere`, () => {
        assert.equal(shown(input), output);
        assert.equal(shown(...input), output);
        for (let at = 1; at < input.length; at += 1) {
            assert.equal(shown(input.slice(0, at), input.slice(at)), output, `cut at ${at}`);
        }
    });
}

test('what is kept is bounded', () => {
    const text = new ConsoleText();
    text.write('x\n'.repeat(MAX_LINES * 2));
    assert.equal(text.lineCount, MAX_LINES);
    text.clear();
    text.write('y'.repeat(MAX_COLUMNS * 3));
    assert.equal(text.text.length, MAX_COLUMNS);
    text.clear();
    text.write(`\x1b]${'z'.repeat(1000)}`); // a title without an end does not swallow for ever
    text.write('\r\nstill here');
    assert.ok(text.text.endsWith('still here'));
});
