import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Sentinel, isSentinel } from '../../src/webvdi/browser/viewer/sentinel.js';

/** A canvas of one pixel. */
class Context {
    pixel = [0, 0, 0, 255];
    /** What the page is told of a pixel. */
    read = (pixel) => pixel;

    fillRect(...at) {
        assert.deepEqual([at, this.fillStyle], [[3, 4, 1, 1], '#f0f']);
        this.pixel = [255, 0, 255, 255];
    }

    getImageData(...at) {
        assert.deepEqual(at, [3, 4, 1, 1]);
        return { data: this.read(this.pixel) };
    }
}

test('a canvas that has lost its pixels is told from one that has not', () => {
    const context = new Context();
    const sentinel = new Sentinel(context, 3, 4);
    assert.equal(sentinel.isGone, false);
    context.pixel = [0, 0, 0, 0];
    assert.equal(sentinel.isGone, true);
});

test('a canvas that cannot be read any more has lost them as well', () => {
    const context = new Context();
    const sentinel = new Sentinel(context, 3, 4);
    context.read = () => {
        throw new Error('out of memory');
    };
    assert.equal(sentinel.isGone, true);
});

test('a browser that does not tell pages their pixels tells no loss', () => {
    for (const read of [() => [255, 255, 255, 255], () => {
        throw new Error('not for you');
    }]) {
        const context = Object.assign(new Context(), { read });
        const sentinel = new Sentinel(context, 3, 4);
        context.pixel = [0, 0, 0, 255];
        assert.equal(sentinel.isGone, false);
    }
});

test('pixels that a browser changed a little are known', () => {
    for (const pixel of [[255, 0, 255, 255], [250, 3, 248, 255], [255, 1, 254, 255]]) {
        assert.equal(isSentinel(pixel), true);
    }
    for (const pixel of [[0, 0, 0, 255], [0, 0, 0, 0], [255, 255, 255, 255], [255, 0, 0, 255], []]) {
        assert.equal(isSentinel(pixel), false);
    }
});
