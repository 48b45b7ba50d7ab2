/** What the pages ask their own server; all addresses are relative, so any mount point works. */

import { ViewerError } from '../viewer/errors.js';

/** @import { GuestView, HostView, ImageView, JournalEntry, MachineView, Me, SerialPiece, ShareView, UploadView, Verb } from './types.js' */

/**
 * What is wrong with a field: in the server's words, and by a rule with its limits.
 * @typedef {{message: string, rule: string, limits: Record<string, unknown>}} FieldError
 */

const ROOT = 'api/v1/';
/** What proxies answer where there is no server behind them. */
const AWAY = [502, 503, 504];
const SERVER_ERRORS = 500;

/** A refusal, as the server explains it (RFC 9457 problem details); status 0: no answer at all. */
export class ApiError extends Error {
    /**
     * @param {number} status
     * @param {Record<string, unknown>} [problem]
     */
    constructor(status, problem = {}) {
        const detail = String(problem['detail'] ?? problem['title'] ?? '');
        super(detail || `HTTP ${status}`);
        this.name = 'ApiError';
        this.status = status;
        this.detail = detail;
        this.reason = String(problem['reason'] ?? '');
        this.fields = fieldErrors(problem);
    }

    /** Whether webvdi was not there to answer: nobody did, or a proxy on its behalf. */
    get away() {
        return this.status === 0 || (AWAY.includes(this.status) && this.reason === '');
    }
}

/**
 * Which fields of the request were wrong, and why. @param {Record<string, unknown>} problem
 * @returns {Record<string, FieldError>}
 */
function fieldErrors(problem) {
    const list = Array.isArray(problem['errors']) ? problem['errors'] : [];
    /** @type {[string, FieldError][]} */
    const found = list.map(({ field = '', message = '', rule = '', ...limits }) => [
        String(field).split('.').at(-1) ?? '', { message: String(message), rule: String(rule), limits }]);
    if (problem['reason'] === 'conflict' && problem['kind'] === 'machine') {
        found.push(['name', { message: String(problem['detail'] ?? ''), rule: '', limits: {} }]);
    }
    return Object.fromEntries(found.filter(([field]) => field));
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} whatever its status
 * @throws {ApiError} with status 0 where there is no answer
 */
export const ask = (path, init = {}) => fetchFrom(ROOT + path, init);

/** @param {string} address relative to the page @param {RequestInit} init */
async function fetchFrom(address, init) {
    try {
        return await fetch(address, {
            cache: 'no-store',
            ...init,
            // The header cannot be sent from another site without our consent.
            headers: { 'X-Requested-With': 'webvdi', ...init.headers },
        });
    } catch {
        throw new ApiError(0);
    }
}

/** @param {Response} answer */
async function refusal(answer) {
    const body = await answer.json().catch(() => ({}));
    return new ApiError(answer.status, body && typeof body === 'object' ? body : {});
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @throws {ApiError}
 */
async function askWell(path, init) {
    const answer = await ask(path, init);
    if (!answer.ok) {
        throw await refusal(answer);
    }
    return answer;
}

/**
 * @param {string} path
 * @param {string} [method]
 * @param {unknown} [body]
 * @returns {Promise<any>} null where the answer has no content
 * @throws {ApiError}
 */
async function askJson(path, method = 'GET', body = undefined) {
    const answer = await askWell(path, body === undefined ? { method } : {
        method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' },
    });
    return answer.status === 204 ? null : answer.json();
}

/** @param {string} id */
const machinePath = (id) => `machines/${encodeURIComponent(id)}`;

/**
 * Somebody may have come by links to several machines: it is asked as who came by this one's.
 * @param {string} path
 * @param {string} [machine]
 */
export const withMachine = (path, machine) => (
    machine ? `${path}?machine=${encodeURIComponent(machine)}` : path);

export const api = Object.freeze({
    /** @param {string} [machine] @returns {Promise<Me>} */
    me: (machine) => askJson(withMachine('me', machine)),
    /** @returns {Promise<HostView>} */
    host: () => askJson('host'),
    /** A text as a picture that a camera reads. @param {string} text @returns {Promise<Blob>} an SVG */
    async qr(text) {
        const answer = await askWell('qr', {
            method: 'POST', body: JSON.stringify({ text }), headers: { 'Content-Type': 'application/json' },
        });
        return answer.blob();
    },
    /** @returns {Promise<{url: string, path: string, expires: number}>} */
    login: () => askJson('logins', 'POST', {}),

    /** @returns {Promise<MachineView[]>} */
    machines: () => askJson('machines'),
    /** @param {string} id @returns {Promise<MachineView>} */
    machine: (id) => askJson(machinePath(id)),
    /** @param {Record<string, unknown>} wanted @returns {Promise<MachineView>} */
    create: (wanted) => askJson('machines', 'POST', wanted),
    /** @param {string} id @param {Record<string, unknown>} changes @returns {Promise<MachineView>} */
    change: (id, changes) => askJson(machinePath(id), 'PATCH', changes),
    /** @param {string} id @returns {Promise<null>} */
    remove: (id) => askJson(machinePath(id), 'DELETE'),
    /**
     * @param {string} id
     * @param {Verb} verb
     * @param {{graceful?: boolean, timeout_s?: number}} [how]
     * @returns {Promise<MachineView>}
     */
    act: (id, verb, how = {}) => askJson(`${machinePath(id)}/actions/${verb}`, 'POST', how),
    /** @param {string} id @returns {Promise<JournalEntry[]>} */
    journal: (id) => askJson(`${machinePath(id)}/journal`),

    /** @param {string} id @param {number} offset @returns {Promise<SerialPiece>} */
    async serial(id, offset) {
        const answer = await askWell(`${machinePath(id)}/serial?offset=${offset}`);
        const number = (/** @type {string} */ name) => Number(answer.headers.get(name) ?? 0);
        return {
            bytes: new Uint8Array(await answer.arrayBuffer()),
            offset: number('Webvdi-Offset'),
            next: number('Webvdi-Next-Offset'),
            start: number('Webvdi-Start'),
        };
    },
    /** @param {string} id @param {string} text */
    writeSerial: (id, text) => askWell(`${machinePath(id)}/serial`, {
        method: 'POST', body: text, headers: { 'Content-Type': 'application/octet-stream' },
    }),
    /**
     * The newest thumbnail; null when it is still *known*, its picture null where there is none.
     * @param {string} id
     * @param {{width: number, height: number}} size
     * @param {string | null} known its ETag
     * @returns {Promise<{etag: string | null, picture: Blob | null} | null>}
     * @throws {ApiError} where the server cannot tell
     */
    async thumbnail(id, { width, height }, known) {
        const answer = await ask(`${machinePath(id)}/thumbnail?width=${width}&height=${height}`, {
            headers: known ? { 'If-None-Match': known } : {},
        });
        if (answer.status === 304) {
            return null;
        }
        if (answer.status >= SERVER_ERRORS) { // nothing was said about the machine
            throw await refusal(answer);
        }
        if (answer.status !== 200) {
            return { etag: null, picture: null };
        }
        return { etag: answer.headers.get('ETag'), picture: await answer.blob() };
    },

    /** @param {string} machine @returns {Promise<ShareView[]>} */
    shares: (machine) => askJson(`shares?machine=${encodeURIComponent(machine)}`),
    /**
     * @param {string} machine
     * @param {{control: boolean, expires_in_s: number, label: string}} wanted
     * @returns {Promise<{share: ShareView, url: string, path: string}>}
     */
    share: (machine, wanted) => askJson(`${machinePath(machine)}/shares`, 'POST', wanted),
    /** @param {string} id @returns {Promise<null>} */
    revoke: (id) => askJson(`shares/${encodeURIComponent(id)}`, 'DELETE'),
    /** @param {string} token @param {string} name @returns {Promise<{machine: string}>} */
    join: (token, name) => askJson('join', 'POST', { token, name }),

    /** @returns {Promise<GuestView[]>} */
    guests: () => askJson('guests'),
    /** @returns {Promise<ImageView[]>} */
    images: () => askJson('images'),
    /** @param {string} id @returns {Promise<null>} */
    removeImage: (id) => askJson(`images/${encodeURIComponent(id)}`, 'DELETE'),
    /** @returns {Promise<UploadView[]>} those that are not complete */
    uploads: () => askJson('uploads'),
    /** @param {string} name @param {number} size @returns {Promise<UploadView>} */
    beginUpload: (name, size) => askJson('uploads', 'POST', { name, size_bytes: size }),
    /** @param {string} id @returns {Promise<UploadView>} */
    upload: (id) => askJson(`uploads/${encodeURIComponent(id)}`),
    /** @param {string} id @returns {Promise<null>} */
    abortUpload: (id) => askJson(`uploads/${encodeURIComponent(id)}`, 'DELETE'),
    /**
     * @param {string} id
     * @param {number} offset
     * @param {Blob} piece
     * @param {AbortSignal} signal
     * @returns {Promise<UploadView>}
     */
    async append(id, offset, piece, signal) {
        const answer = await askWell(`uploads/${encodeURIComponent(id)}`, {
            method: 'PATCH',
            body: piece,
            signal,
            headers: { 'Content-Type': 'application/octet-stream', 'Upload-Offset': String(offset) },
        });
        return answer.json();
    },
});

/**
 * Ends this browser's login; it is no part of the interface, but of the pages.
 * @throws {ApiError}
 */
export async function logOut() {
    const answer = await fetchFrom('logout', { method: 'POST' });
    if (!answer.ok) {
        throw await refusal(answer);
    }
}

/**
 * A fresh ticket; with *viewOnly* one that the server lets only look.
 * @param {string} machine
 * @param {boolean} viewOnly
 * @param {string} name what the others on this screen are shown
 * @returns {Promise<{ticket: string, title: string}>}
 * @throws {ViewerError}
 */
export async function fetchTicket(machine, viewOnly, name) {
    try {
        return await askJson(`${machinePath(machine)}/ticket`, 'POST', { view_only: viewOnly, name });
    } catch (error) {
        const { status, detail, reason } = /** @type {ApiError} */ (error);
        switch (status) {
            case 401: throw new ViewerError('login_required', { final: true });
            case 403: throw new ViewerError('access_revoked', { detail, final: true });
            case 404: throw new ViewerError('session_ended', { detail, reason, final: true });
            case 409: case 503: throw new ViewerError('not_ready', { detail, reason });
            default: throw new ViewerError('ticket_failed', { detail, reason, cause: error });
        }
    }
}
