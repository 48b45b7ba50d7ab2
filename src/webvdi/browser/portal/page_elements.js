/** The page's own elements, by their ids. */

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function element(id, kind) {
    const found = document.getElementById(id);
    if (!(found instanceof (kind ?? HTMLElement))) {
        throw new TypeError(`the page has no element ${id} of that kind`);
    }
    return /** @type {T} */ (found);
}

/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);
/** @param {string} id */
export const dialog = (id) => element(id, HTMLDialogElement);
/** @param {string} id */
export const area = (id) => element(id, HTMLTextAreaElement);
/** @param {string} id */
export const field = (id) => element(id, HTMLInputElement);

/** An icon of the sprite. @param {string} name */
export function icon(name) {
    const space = 'http://www.w3.org/2000/svg';
    const svg = document.createElementNS(space, 'svg');
    svg.setAttribute('class', 'icon');
    svg.setAttribute('aria-hidden', 'true');
    const use = document.createElementNS(space, 'use');
    use.setAttribute('href', `${new URL('icons.svg', import.meta.url)}#${name}`);
    svg.append(use);
    return svg;
}
