/** What the page asks its own server; all addresses are relative, so any mount point works. */

import { ViewerError } from '../viewer/errors.js';

/**
 * @typedef {object} MachineInfo
 * @property {string} name
 * @property {string} state
 * @property {string} detail for the user
 * @property {boolean} can_start
 */

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function ask(path, init) {
    try {
        // The header cannot be sent from another site without our consent.
        return await fetch(path, {
            headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'webvdi' },
            cache: 'no-store',
            ...init,
        });
    } catch (cause) {
        throw new ViewerError('ticket_failed', { cause });
    }
}

/** What a refusal says for people (RFC 9457 problem details). @param {Response} answer */
async function problem(answer) {
    const body = await answer.json().catch(() => ({}));
    return String(body.detail ?? body.title ?? '');
}

/**
 * A fresh ticket; with *viewOnly* one that the server lets only look.
 * @param {boolean} viewOnly
 * @returns {Promise<{ticket: string, name: string}>}
 * @throws {ViewerError}
 */
export async function fetchTicket(viewOnly) {
    const body = JSON.stringify({ view_only: viewOnly });
    const answer = await ask('api/ticket', { method: 'POST', body });
    if (answer.ok) {
        return answer.json();
    }
    if (answer.status === 401) {
        throw new ViewerError('login_required', { final: true });
    }
    const detail = await problem(answer);
    if (answer.status === 403) {
        throw new ViewerError('access_revoked', { detail, final: true });
    }
    const code = [409, 503].includes(answer.status) ? 'not_ready' : 'ticket_failed';
    throw new ViewerError(code, { detail });
}

/** How the machine is; null where the server does not say. @returns {Promise<MachineInfo | null>} */
export async function fetchMachine() {
    const answer = await ask('api/machine').catch(() => null);
    return answer?.ok ? answer.json() : null;
}

/** Starts a machine that is off. @throws {ViewerError} */
export async function startMachine() {
    const answer = await ask('api/machine/start', { method: 'POST', body: '{}' });
    if (!answer.ok) {
        throw new ViewerError('not_ready', { detail: await problem(answer) });
    }
}
