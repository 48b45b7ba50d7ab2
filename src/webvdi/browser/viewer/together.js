/**
 * A viewer among others: who they are, where they point, and what becomes of control.
 */

import { REAL_CLOCK } from './connect.js';
import { NOBODY, companyOf } from './people.js';
import { Pointing } from './pointing.js';
import { ControlAction } from './protocol.js';
import { RemotePointers } from './remote_pointers.js';

/** @import { Layout } from './layout.js' */
/** @import { Company, Person } from './people.js' */
/** @import { Control, People, Pointer, RemotePointer } from './wire_types.js' */

export class Together {
    /** @type {Company} */
    #company = NOBODY;
    #pointers;
    #pointing;
    #send;

    /**
     * @param {HTMLCanvasElement} canvas
     * @param {Layout} layout
     * @param {(person: Person) => string} nameOf
     * @param {(control: Control) => void} send
     * @param {(pointer: Pointer) => void} point
     */
    constructor(canvas, layout, nameOf, send, point) {
        this.#pointers = new RemotePointers(canvas, layout, nameOf);
        this.#pointing = new Pointing(point, REAL_CLOCK);
        this.#send = send;
    }

    get company() {
        return this.#company;
    }

    /** Whether anybody else is here. */
    get shared() {
        return this.#company.people.length > 1;
    }

    /** @param {People} message */
    told(message) {
        this.#company = companyOf(message);
        this.#pointing.stop();
        this.#pointers.tell(this.#company);
    }

    /** @param {RemotePointer} message */
    pointed(message) {
        this.#pointers.show(message);
    }

    /** Shows others where we point. @param {Pointer} pointer */
    point({ x, y }) {
        this.#pointing.moveTo(x, y);
    }

    /** The picture has another place or size. */
    place() {
        this.#pointers.place();
    }

    /** The connection is gone, or the page is hidden: nobody says where anybody points. */
    reset() {
        this.#pointing.stop();
        this.#pointers.clear();
    }

    request() {
        this.#control(ControlAction.REQUEST);
    }

    release() {
        this.#control(ControlAction.RELEASE);
    }

    take() {
        this.#control(ControlAction.TAKE);
    }

    /** @param {number} viewer */
    grant(viewer) {
        this.#control(ControlAction.GRANT, viewer);
    }

    /** @param {number} viewer */
    decline(viewer) {
        this.#control(ControlAction.DECLINE, viewer);
    }

    /** @param {number} action @param {number} [viewer] */
    #control(action, viewer = 0) {
        this.#send({ type: 'Control', action, viewer });
    }
}
