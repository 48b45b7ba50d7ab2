import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    formatBytes, formatDuration, formatMemory, formatRelative, percentOf,
} from '../../src/webvdi/browser/portal/format.js';

test('sizes are short, and as large units as fit', () => {
    assert.deepEqual([0, 999, 1000, 1536, 20 * 2 ** 20, 783 * 2 ** 20, 5.25 * 2 ** 30, -1]
        .map((size) => formatBytes(size, 'en')),
    ['0 B', '999 B', '1 KiB', '1.5 KiB', '20 MiB', '783 MiB', '5.3 GiB', '0 B']);
    assert.deepEqual([256, 512, 4096].map((mib) => formatMemory(mib, 'ja')),
        ['256 MiB', '512 MiB', '4 GiB']);
});

test('durations are said in the unit that suits them', () => {
    assert.deepEqual([0, 1, 59, 60, 150, 3600, 90000].map((time) => formatDuration(time, 'en')),
        ['0 seconds', '1 second', '59 seconds', '1 minute', '3 minutes', '1 hour', '1 day']);
    assert.equal(formatDuration(180, 'ja'), '3 分');
});

test('times are told from now, both ways', () => {
    const tell = (then) => formatRelative(then, 1e6, 'en');
    assert.deepEqual([1e6 - 5, 1e6 - 180, 1e6 + 7200, 1e6 - 86400].map(tell),
        ['now', '3 minutes ago', 'in 2 hours', 'yesterday']);
    assert.equal(formatRelative(1e6 - 180, 1e6, 'ja'), '3 分前');
});

test('a percentage stays within its bounds, and is unknown without a whole', () => {
    assert.equal(percentOf({ done: 5, total: 0 }), null);
    assert.deepEqual([0, 37, 99.9, 150, -4].map((done) => percentOf({ done, total: 100 })),
        [0, 37, 99, 100, 0]);
});
