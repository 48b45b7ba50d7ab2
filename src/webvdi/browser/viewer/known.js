/** What a viewer was told of its guest and of itself. Pure. */

import { MachineState, Role } from './protocol.js';

/** @import { Machine, Welcome } from './wire_types.js' */

const MACHINE_STATES = Object.keys(MachineState).map((name) => name.toLowerCase());
const ROLES = ['', ...Object.keys(Role).map((name) => name.toLowerCase())];

export class Known {
    role = '';
    name = '';
    machine = { state: 'connecting', detail: '' };
    #emit;

    /** @param {(type: string, detail: object) => void} emit */
    constructor(emit) {
        this.#emit = emit;
    }

    /** @param {Welcome} welcome */
    welcomed({ role, name }) {
        this.role = /** @type {string} */ (ROLES[role]);
        this.#emit('role', { role: this.role });
        this.named(name);
    }

    /** @param {string} name */
    named(name) {
        this.name = name;
        this.#emit('name', { name });
    }

    /** @param {Machine} machine */
    machineTold({ state, detail }) {
        this.machine = { state: /** @type {string} */ (MACHINE_STATES[state]), detail };
        this.#emit('machine', this.machine);
        if (state === MachineState.CREDENTIALS) {
            const words = detail.split(' ');
            const fields = words.filter((word) => word !== 'retry');
            this.#emit('credentialsrequired', { fields, retry: words.includes('retry') });
        }
    }
}
