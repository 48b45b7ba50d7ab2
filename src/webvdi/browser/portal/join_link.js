/** What a share link says, and what the server's answers to it mean. Pure. */

/** The token behind the `#`; '' where the link is not whole. @param {string} hash */
export function tokenIn(hash) {
    try {
        return decodeURIComponent(hash.slice(1)).trim();
    } catch { // an escape that was cut off
        return '';
    }
}

/**
 * Whether an answer is about the link itself, so that trying again is in vain.
 * @param {{status: number, reason: string}} refusal
 */
export const isOver = ({ status, reason }) => (
    status === 403 ? reason === 'share_invalid' : [400, 401, 404, 410, 422].includes(status));
