/** Choices that outlive the page, where the browser lets us keep any. */

/** @param {string} name @returns {string | null} */
export function recall(name) {
    try {
        return localStorage.getItem(`webvdi_${name}`);
    } catch {
        return null;
    }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
    try {
        localStorage.setItem(`webvdi_${name}`, value);
    } catch {
        // private windows and some frames: the choice lasts as long as the page
    }
}
