/** A viewer's place in its page. */

const EVERY_MS = 1000;

/**
 * Puts the canvas into its element.
 * @param {HTMLElement} element
 * @param {HTMLCanvasElement} canvas
 * @param {string} label what a screen reader calls the picture
 */
export function furnish(element, canvas, label) {
    canvas.width = canvas.height = 0;
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', label);
    canvas.style.cssText = 'position:absolute;display:block;touch-action:none;outline:none';
    if (getComputedStyle(element).position === 'static') {
        element.style.position = 'relative';
    }
    element.append(canvas);
}

/**
 * Tells what becomes of the page.
 * @param {AbortSignal} signal ends it
 * @param {{wake: () => void, seen: (visible: boolean) => void, everySecond: () => void}} hooks
 *     wake: the network, or the page, is back
 */
export function watchPage(signal, { wake, seen, everySecond }) {
    window.addEventListener('online', wake, { signal });
    window.addEventListener('pageshow', wake, { signal });
    document.addEventListener('visibilitychange', () => seen(!document.hidden), { signal });
    const timer = setInterval(everySecond, EVERY_MS);
    signal.addEventListener('abort', () => clearInterval(timer));
}
