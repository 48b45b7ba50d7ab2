/** What is told apart among operating systems, because their browsers report keys differently. */

/** @typedef {{mac: boolean, windows: boolean, touch: boolean}} Platform */

/** @returns {Platform} */
export function detectPlatform() {
    const { platform = '', maxTouchPoints = 0 } = globalThis.navigator ?? {};
    return {
        mac: /^(Mac|iPhone|iPad|iPod)/.test(platform),
        windows: platform.startsWith('Win'),
        touch: maxTouchPoints > 0 && globalThis.matchMedia?.('(pointer: coarse)').matches === true,
    };
}
