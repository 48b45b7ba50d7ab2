/**
 * In the page, after page_timer.js: which frames the canvas shows, by the numbers that are painted
 * on it (marks.py), and whether it is exact once all rests. The same for every peer.
 *
 * As in page_timer.js, the canvas is looked at in animation frames, and only once something has
 * been drawn on it. A look reads a row of pixels a mark.
 */

(() => {
    const CELL = 8;
    const BITS = 20;
    const WIDTH = CELL * BITS;
    const HEIGHT = 16;
    /** At rest the whole canvas is read: not for every drawing when many small ones come. */
    const WHOLE_LOOKS_MS = 40;

    const timer = window.pageTimer;
    let asked = false;
    let resting = false;
    let planned = false;
    /** The numbers of the last frame, and whether they have been seen. */
    let last = '';
    let arrived = false;
    let nextWhole = 0;
    let log = [];
    let digests = [];

    const frames = {
        /** Where marks always are: [x, y]. */
        places: [],
        /** Where others are when the first of these shows a number: {number: [[x, y], …]}. */
        moving: {},
        /** The canvas as it was at the first look at rest that found the last frame. */
        atRest: null,

        /** Forget everything that was seen. */
        start() {
            log = [];
            digests = [];
            resting = false;
            arrived = false;
        },

        /** From now on look at the whole canvas. The last frame has these numbers. */
        rest(numbersThen = numbers()) {
            resting = true;
            last = String(numbersThen);
            lookAtAll();
        },

        /** All looks so far: [time, number, …], times in ms, -1 where there was no number. */
        log: () => log,
        /** Whole looks so far: [time, digest]. */
        digests: () => digests,
        numbers,

        /** Remember the canvas as it is now: making a file of it would keep the page busy. */
        keep() {
            frames.kept = pixels();
        },

        /** What was kept ('kept'), or how it was when the last frame came ('atRest'), as a PNG
         *  file in a data URL. */
        picture(which) {
            const image = frames[which];
            const copy = document.createElement('canvas');
            copy.width = image.width;
            copy.height = image.height;
            copy.getContext('2d', { alpha: false }).putImageData(image, 0, 0);
            return copy.toDataURL('image/png');
        },
    };
    window.pageFrames = frames;

    timer.note = (what) => {
        if (what === 'drawn' && !asked) {
            asked = true;
            requestAnimationFrame(look);
        }
    };

    function look() {
        asked = false;
        log.push([performance.now(), ...numbers()]);
        if (resting && !planned) {
            planned = true;
            setTimeout(lookAtAll, Math.max(0, nextWhole - performance.now()));
        }
    }

    function numbers() {
        const context = timer.canvas()?.getContext('2d');
        if (!context) {
            return frames.places.map(() => -1);
        }
        const found = frames.places.map(([x, y]) => read(context, x, y));
        for (const [x, y] of frames.moving[found[0]] ?? []) {
            found.push(read(context, x, y));
        }
        return found;
    }

    function read(context, x, y) {
        const { data } = context.getImageData(x, y + HEIGHT / 2, WIDTH, 1);
        let code = 0;
        for (let i = 0; i < BITS; i += 1) {
            const at = 4 * (CELL * i + CELL / 2);
            code = (code << 1) | (data[at] + data[at + 1] + data[at + 2] < 3 * 128);
        }
        const number = code >> 4;
        const check = (number ^ (number >> 4) ^ (number >> 8) ^ (number >> 12) ^ 0b0110) & 0b1111;
        return (code & 0b1111) === check ? number : -1;
    }

    function pixels() {
        const canvas = timer.canvas();
        return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    }

    function lookAtAll() {
        planned = false;
        const at = performance.now();
        const image = pixels();
        if (!arrived) {
            frames.atRest = image;
            arrived = String(numbers()) === last;
        }
        digests.push([at, digest(new Uint32Array(image.data.buffer))]);
        nextWhole = performance.now() + WHOLE_LOOKS_MS;
    }

    /** As pictures.py has it: two sums of weighted pixels, alpha left out. */
    function digest(values) {
        let one = 0;
        let two = 0;
        for (let i = 0; i < values.length; i += 1) {
            const pixel = (values[i] & 0xffffff) + 1;
            one = (one + Math.imul(pixel, Math.imul(2 * i + 1, 0x9e3779b1))) | 0;
            two = (two + Math.imul(pixel, Math.imul(i ^ (i >> 7), 0x85ebca6b) | 1)) | 0;
        }
        return `${one >>> 0} ${two >>> 0}`;
    }
})();
