/** Waiting for a machine to get somewhere, by asking now and then. */

import { REAL_CLOCK } from '../viewer/connect.js';

/** @import { Clock } from '../viewer/connect.js' */
/** @import { MachineView } from './types.js' */

export const ASK_EVERY_MS = 2000;

/**
 * What became of a machine that was asked to shut down, when whoever waited with us gave up.
 *
 * @param {() => Promise<MachineView>} ask
 * @param {{for_ms: number, clock?: Clock}} how
 * @returns {Promise<MachineView | null>} as it is once it is off; null where it goes on, or where
 *     it takes longer than that. Questions without an answer are asked again.
 */
export async function untilOff(ask, { for_ms, clock = REAL_CLOCK }) {
    const end = clock.now() + for_ms;
    let stopping = false;
    while (clock.now() < end) {
        const view = await ask().catch(() => null);
        if (view && ['stopped', 'crashed', 'saved'].includes(view.state)) {
            return view;
        }
        if (view && stopping && view.state !== 'stopping') {
            return null; // it did not go, and is let be
        }
        stopping ||= view?.state === 'stopping';
        await new Promise((resolve) => {
            clock.after(ASK_EVERY_MS, () => resolve(undefined));
        });
    }
    return null;
}
