/**
 * What a serial console says, as lines of plain text. Pure.
 *
 * No terminal: colours and cursor addressing are dropped (ECMA-48 control sequences), and what
 * programs do within their line is honoured: carriage return, backspace, erase in line, tab.
 */

export const MAX_LINES = 2000;
export const MAX_COLUMNS = 1000;

/** Rest of a control sequence that may lack its end: longer ones are no sequences. */
const MAX_SEQUENCE = 256;

// CSI … final byte · OSC, DCS, PM, APC … string terminator · two- and three-byte escapes.
// eslint-disable-next-line no-control-regex
const SEQUENCE = /^\x1b(?:\[[0-?]*[ -/]*([@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])/;

export class ConsoleText {
    /** @type {string[]} complete lines, then the one being written */
    #lines = [''];
    #column = 0;
    #pending = '';

    get text() {
        return this.#lines.join('\n');
    }

    get lineCount() {
        return this.#lines.length;
    }

    clear() {
        this.#lines = [''];
        this.#column = 0;
        this.#pending = '';
    }

    /** @param {string} text as it arrives: a sequence may be cut anywhere */
    write(text) {
        const input = this.#pending + text;
        this.#pending = '';
        for (let at = 0; at < input.length;) {
            if (input[at] === '\x1b') {
                const used = this.#escape(input.slice(at, at + MAX_SEQUENCE));
                if (!used) {
                    this.#pending = input.slice(at);
                    break;
                }
                at += used;
            } else {
                const run = /** @type {RegExpExecArray} */ (
                    // eslint-disable-next-line no-control-regex
                    /^(?:[^\x00-\x1f\x7f]+|[^])/.exec(input.slice(at, at + MAX_COLUMNS)))[0];
                this.#put(run);
                at += run.length;
            }
        }
    }

    /** How many characters the sequence takes; 0 while its end is missing. @param {string} input */
    #escape(input) {
        const match = SEQUENCE.exec(input);
        if (!match) {
            return input.length < MAX_SEQUENCE && !/^\x1b[^[\]PX^_ -/]/.test(input) ? 0 : 1; // eslint-disable-line no-control-regex
        }
        if (match[1] === 'K') {
            const line = this.#line;
            if (match[0] === '\x1b[2K') {
                this.#line = '';
            } else if (match[0] !== '\x1b[1K') {
                this.#line = line.slice(0, this.#column);
            }
        }
        return match[0].length;
    }

    get #line() {
        return this.#lines.at(-1) ?? '';
    }

    set #line(line) {
        this.#lines[this.#lines.length - 1] = line;
    }

    /** @param {string} run printable characters, or one control character */
    #put(run) {
        switch (run) {
            case '\n':
                this.#lines.push('');
                this.#column = 0;
                if (this.#lines.length > MAX_LINES) {
                    this.#lines.splice(0, this.#lines.length - MAX_LINES);
                }
                break;
            case '\r': this.#column = 0; break;
            case '\b': this.#column = Math.max(0, this.#column - 1); break;
            case '\t': this.#overwrite(' '.repeat(8 - this.#column % 8)); break;
            default:
                if (run >= ' ' && run !== '\x7f') {
                    this.#overwrite(run);
                }
        }
    }

    /** @param {string} run */
    #overwrite(run) {
        const line = this.#line.padEnd(this.#column);
        const after = this.#column + run.length;
        this.#line = (line.slice(0, this.#column) + run + line.slice(after)).slice(0, MAX_COLUMNS);
        this.#column = Math.min(after, MAX_COLUMNS);
    }
}
