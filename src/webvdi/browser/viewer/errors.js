/**
 * The catalogue of everything that can go wrong in a viewer.
 *
 * A code is stable and is what programs look at; what a person reads about it stands in the
 * page's locale files under `error.<code>`.
 */

export const ERRORS = Object.freeze({
    access_revoked: 'the right to see this machine was taken back',
    canvas_unavailable: 'the browser gives no canvas to draw on',
    clipboard_too_large: 'the text is larger than a clipboard message may be',
    decode_failed: 'a picture of an update could not be decoded',
    link_silent: 'the server stopped answering',
    link_lost: 'the connection to the server broke',
    login_required: 'nobody is logged in',
    not_ready: 'the machine cannot be shown yet',
    picture_lost: 'the browser has dropped the picture',
    protocol: 'the server sent something that the protocol does not allow',
    server_restarts: 'the server is restarting',
    session_ended: 'the session is over',
    superseded: 'the same viewer was opened elsewhere',
    ticket_failed: 'no ticket could be had',
    ticket_invalid: 'the ticket was used up or too old',
    timeout: 'the server did not answer in time',
    too_many_viewers: 'as many viewers as allowed are watching already',
});

/** @typedef {keyof typeof ERRORS} ErrorCode */

/**
 * An error with a code of the catalogue; `detail` is the server's own words, if it sent any, and
 * `reason` its word for the same that stays, where whoever got the ticket knows one.
 */
export class ViewerError extends Error {
    /**
     * @param {ErrorCode} code
     * @param {{detail?: string, reason?: string, final?: boolean, cause?: unknown}} [more] `final`:
     *     trying again will not help until a person has done something.
     */
    constructor(code, { detail = '', reason = '', final = false, cause } = {}) {
        super(detail ? `${ERRORS[code]}: ${detail}` : ERRORS[code], { cause });
        this.name = 'ViewerError';
        this.code = code;
        this.detail = detail;
        this.reason = reason;
        this.final = final;
    }
}

/** A message that breaks the rules of docs/reference/viewer-protocol.md. */
export class ProtocolError extends ViewerError {
    /** @param {string} detail */
    constructor(detail) {
        super('protocol', { detail });
        this.name = 'ProtocolError';
    }
}
