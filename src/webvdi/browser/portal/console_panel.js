/** The serial console: what the machine writes there, and a line to type into it. */

import { ConsoleText } from './ansi.js';
import { api } from './api.js';
import { wordsOf } from './box.js';
import { make, pushButton, setText } from './dom.js';

/** @import { Locale } from './locale.js' */
/** @import { MachineView } from './types.js' */

// While something comes, ask often; a quiet console is asked less and less.
export const QUIET_MS = Object.freeze([200, 400, 800, 1500]);
const AFTER_ERROR_MS = 3000;
const BOTTOM_PX = 8;
const CONTROL_C = '\x03';
const CONTROL_D = '\x04';

export class ConsolePanel {
    #machine;
    #locale;
    #text = new ConsoleText();
    #decoder = new TextDecoder();
    #offset = 0;
    #quiet = 0;
    #timer = 0;
    #shown = false;
    #asking = false;
    #generation;
    #output;
    #status = make('p', { class: 'field-error', role: 'alert' });
    #input;

    /** @param {MachineView} view @param {Locale} locale */
    constructor(view, locale) {
        this.#machine = view.id;
        this.#generation = view.generation;
        this.#locale = locale;
        this.#output = make('pre', {
            class: 'console', tabIndex: 0, role: 'log', 'aria-label': locale.text('console'),
        });
        this.#input = make('input', {
            class: 'console-input', autocomplete: 'off', autocapitalize: 'off', spellcheck: false,
            placeholder: locale.text('console_input'), 'aria-label': locale.text('console_input'),
        });
        this.#input.addEventListener('keydown', (event) => this.#keydown(event));
        const form = make('form', { class: 'console-line' }, this.#input,
            make('button', { type: 'submit' }, locale.text('console_send')),
            pushButton('Ctrl-C', () => this.#send(CONTROL_C)));
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            const line = this.#input.value;
            this.#input.value = '';
            this.#send(`${line}\r`);
        });
        this.element = make('div', { class: 'panel-body panel-console' }, this.#output, this.#status,
            form, make('p', { class: 'quiet' }, locale.text('console_hint')));
        document.addEventListener('visibilitychange', () => this.#schedule(0));
    }

    /** @param {boolean} shown the console is followed only while it is seen */
    show(shown) {
        this.#shown = shown;
        this.#quiet = 0;
        this.#schedule(0);
    }

    /** Another run of the machine writes from the start. @param {MachineView} view */
    update({ generation }) {
        if (generation !== this.#generation) {
            this.#generation = generation;
            this.#offset = 0;
            this.#startOver();
            this.#quiet = 0;
            this.#schedule(0);
        }
    }

    #startOver() {
        this.#text.clear();
        this.#decoder = new TextDecoder();
    }

    /** @param {KeyboardEvent} event */
    #keydown(event) {
        const key = event.ctrlKey && !event.altKey && !event.metaKey ? event.key.toLowerCase() : '';
        const selected = this.#input.selectionStart !== this.#input.selectionEnd;
        if ((key === 'c' && !selected) || key === 'd') {
            event.preventDefault();
            this.#send(key === 'c' ? CONTROL_C : CONTROL_D);
        }
    }

    /** @param {string} text */
    async #send(text) {
        try {
            await api.writeSerial(this.#machine, text);
            setText(this.#status, '');
            this.#quiet = 0;
            this.#schedule(0);
        } catch (error) {
            setText(this.#status, wordsOf(error, this.#locale));
        }
    }

    /** @param {number} delay */
    #schedule(delay) {
        clearTimeout(this.#timer);
        if (this.#shown && !document.hidden && !this.#asking) {
            this.#timer = setTimeout(() => this.#follow(), delay);
        }
    }

    async #follow() {
        this.#asking = true;
        let delay = AFTER_ERROR_MS;
        const run = this.#generation;
        try {
            const piece = await api.serial(this.#machine, this.#offset);
            if (run === this.#generation) { // else it may be of the run before
                this.#take(piece.bytes, piece.offset);
                this.#offset = piece.next;
            }
            this.#quiet = piece.bytes.length > 0 ? 0 : Math.min(this.#quiet + 1, QUIET_MS.length - 1);
            delay = QUIET_MS[this.#quiet] ?? AFTER_ERROR_MS;
            setText(this.#status, '');
        } catch (error) {
            setText(this.#status, wordsOf(error, this.#locale));
        }
        this.#asking = false;
        this.#schedule(delay);
    }

    /** @param {Uint8Array} bytes @param {number} offset where they stand */
    #take(bytes, offset) {
        if (offset < this.#offset) { // the machine was started anew, and so is its output
            this.#startOver();
        }
        if (bytes.length === 0 && this.#text.text === this.#output.textContent) {
            return;
        }
        const { scrollTop, scrollHeight, clientHeight } = this.#output;
        const atBottom = scrollTop + clientHeight >= scrollHeight - BOTTOM_PX;
        this.#text.write(this.#decoder.decode(bytes, { stream: true }));
        this.#output.textContent = this.#text.text;
        if (atBottom) {
            this.#output.scrollTop = this.#output.scrollHeight;
        }
    }
}
