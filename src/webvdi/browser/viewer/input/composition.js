/**
 * Text that does not come as keys: input methods, dead keys, on-screen keyboards.
 *
 * It arrives in a hidden text field. Composed text is sent when it is done; while plain letters
 * are being composed (on-screen keyboards underline every word) it is sent at once, and
 * corrected with Backspace if the word turns out differently.
 */

/** @typedef {{backspaces: number, text: string}} Edit */

const LIVE = /^[\u0020-\u024f]*$/; // Latin letters: shown as typed by every keyboard

/** @type {Edit} */
const NOTHING = Object.freeze({ backspaces: 0, text: '' });

/**
 * What turns one text into another at its end. Counts characters as a guest deletes them.
 * @param {string} from
 * @param {string} to
 * @returns {Edit}
 */
export function editBetween(from, to) {
    const [before, after] = [[...from], [...to]];
    let same = 0;
    while (same < before.length && before[same] === after[same]) {
        same += 1;
    }
    return { backspaces: before.length - same, text: after.slice(same).join('') };
}

/** The state of one composition; pure. */
export class Composition {
    /** What the guest has of the composition that is going on. */
    #sent = '';

    /** @param {boolean} live send Latin letters while they are being composed */
    constructor(live) {
        this.live = live;
        this.active = false;
    }

    start() {
        this.active = true;
        this.#sent = '';
    }

    /** @param {string} text as composed so far */
    update(text) {
        return this.live && LIVE.test(text) ? this.#become(text) : NOTHING;
    }

    /** @param {string} text as it turned out */
    end(text) {
        this.active = false;
        return this.#become(text);
    }

    /** @param {string} text */
    #become(text) {
        const edit = editBetween(this.#sent, text);
        this.#sent = text;
        return edit;
    }
}

// Something to delete: on-screen keyboards report Backspace only where there is text.
const FILLER = '\u200b\u200b';

/** Keys that on-screen keyboards report only as an edit of the field. @type {Record<string, string>} */
const EDIT_KEYS = {
    deleteContentBackward: 'Backspace', deleteContentForward: 'Delete',
    insertLineBreak: 'Enter', insertParagraph: 'Enter',
};

export class TextField {
    #composition;
    #keys;
    #text;

    /**
     * @param {HTMLElement} parent
     * @param {boolean} live see {@link Composition}
     * @param {(keys: string[]) => void} keys taps each of these keys
     * @param {(text: string) => void} text types it
     */
    constructor(parent, live, keys, text) {
        this.#composition = new Composition(live);
        this.#keys = keys;
        this.#text = text;
        const field = document.createElement('textarea');
        for (const [name, value] of Object.entries({
            autocapitalize: 'off', autocomplete: 'off', autocorrect: 'off', spellcheck: 'false',
            tabindex: '-1', 'aria-hidden': 'true',
        })) {
            field.setAttribute(name, value);
        }
        // 16 px keeps phones from zooming in on it.
        field.style.cssText = 'position:absolute;left:0;top:0;width:1px;height:1px;padding:0;'
            + 'border:0;margin:0;opacity:0;resize:none;overflow:hidden;font-size:16px;'
            + 'outline:none;pointer-events:none';
        field.value = FILLER;
        field.addEventListener('compositionstart', () => this.#composition.start());
        field.addEventListener('compositionupdate', ({ data }) => (
            this.#perform(this.#composition.update(data))));
        field.addEventListener('compositionend', ({ data }) => {
            this.#perform(this.#composition.end(data));
            this.#refill();
        });
        field.addEventListener('beforeinput', (event) => this.#beforeInput(event));
        field.addEventListener('input', () => this.#refill());
        field.addEventListener('paste', (event) => this.#paste(event));
        parent.append(field);
        this.element = field;
    }

    /** Input methods open their windows beside the field. @param {number} x @param {number} y */
    place(x, y) {
        this.element.style.left = `${x}px`;
        this.element.style.top = `${y}px`;
    }

    /** @param {InputEvent} event */
    #beforeInput(event) {
        if (event.isComposing || this.#composition.active) {
            return;
        }
        const key = EDIT_KEYS[event.inputType];
        if (key) {
            this.#keys([key]);
        } else if (event.data && event.inputType.startsWith('insert')) {
            this.#text(event.data);
        }
        event.preventDefault();
    }

    /** @param {ClipboardEvent} event */
    #paste(event) {
        event.preventDefault();
        const text = event.clipboardData?.getData('text/plain');
        if (text) {
            this.#text(text);
        }
    }

    /** @param {Edit} edit */
    #perform({ backspaces, text }) {
        for (let count = 0; count < backspaces; count += 1) {
            this.#keys(['Backspace']);
        }
        if (text) {
            this.#text(text);
        }
    }

    #refill() {
        if (!this.#composition.active && this.element.value !== FILLER) {
            this.element.value = FILLER;
            this.element.setSelectionRange(FILLER.length, FILLER.length);
        }
    }
}
