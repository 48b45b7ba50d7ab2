/** Elements made in code. */

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {{key: string, words: string, act: () => void, look?: string}} ButtonWish
 */

/**
 * An element with properties and children. `class`, `for`, `data-…`, `aria-…` and `role` are
 * attributes, everything else is a property; what is undefined is left alone.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (value === undefined) {
            continue;
        }
        if (/^(class|for|role|lang|list|popover$|popovertarget|(data|aria)-)/.test(name)) {
            made.setAttribute(name, String(value));
        } else {
            Object.assign(made, { [name]: value });
        }
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return made;
}

/** A button that does something. @param {string} words @param {() => void} act @param {string} [look] */
export function pushButton(words, act, look = '') {
    return make('button', { type: 'button', class: look, onclick: act }, words);
}

let lastId = 0;

/** An id that nothing else on the page has. @param {string} [stem] */
export function freshId(stem = 'id') {
    lastId += 1;
    return `${stem}-${lastId}`;
}

/** Sets text only where it differs, so that selections and screen readers are left in peace. */
export function setText(/** @type {Element} */ node, /** @type {string} */ text) {
    if (node.textContent !== text) {
        node.textContent = text;
    }
}

/**
 * Puts text on the clipboard, also where browsers keep the modern way for secure origins only.
 * @param {HTMLInputElement | HTMLTextAreaElement} from holds the text
 * @returns {Promise<boolean>} whether it is there
 */
export async function copyFrom(from) {
    from.select();
    try {
        await navigator.clipboard.writeText(from.value);
        return true;
    } catch {
        return document.execCommand('copy');
    }
}

/**
 * Puts *children* into *parent*, in their order, and takes out all others. What has the keyboard,
 * or is being pressed, is not moved: that would lose the focus and the click.
 * @param {Element} parent
 * @param {Element[]} children
 */
export function arrange(parent, children) {
    for (const each of [...parent.children]) {
        if (!children.includes(each)) {
            each.remove();
        }
    }
    const held = children.findIndex((each) => (
        each.parentElement === parent && each.matches(':focus-within, :active')));
    const pivot = Math.max(0, held);
    const first = children[pivot];
    if (first && first.parentElement !== parent) {
        parent.prepend(first);
    }
    children.slice(0, pivot).reduceRight((next, each) => {
        if (each.nextElementSibling !== next) {
            parent.insertBefore(each, next);
        }
        return each;
    }, /** @type {Element} */ (first));
    children.slice(pivot + 1).reduce((before, each) => {
        if (before.nextElementSibling !== each) {
            before.after(each);
        }
        return each;
    }, /** @type {Element} */ (first));
}

/**
 * Fills a place with buttons; one that was there before stays, by its key.
 * @param {Element} place
 * @param {ButtonWish[]} wanted
 */
export function fillButtons(place, wanted) {
    const there = new Map([...place.querySelectorAll('button')].map((each) => [each.dataset['key'], each]));
    arrange(place, wanted.map(({ key, words, act, look = '' }) => {
        const button = there.get(key) ?? pushButton(words, act, look);
        button.dataset['key'] = key;
        button.onclick = act;
        setText(button, words);
        return button;
    }));
}
