/**
 * Other people's pointers: arrows in their colours, with their names, over the picture and never
 * in it.
 */

import { COLOURS } from './people.js';

/** @import { Layout } from './layout.js' */
/** @import { Company, Person } from './people.js' */
/** @import { RemotePointer } from './wire_types.js' */

const SVG = 'http://www.w3.org/2000/svg';
const ARROW = 'M1 1 L1 16 L5.2 12.4 L8 18.6 L10.8 17.4 L8 11.4 L13.4 11 Z';
// Nearer to the right edge than this share of the picture, a name stands left of its arrow.
const FLIP_AT = 0.85;

/** @param {string} colour */
function arrow(colour) {
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', '0 0 15 20');
    svg.setAttribute('width', '15');
    svg.setAttribute('height', '20');
    svg.style.cssText = 'position:absolute;left:-1px;top:-1px;overflow:visible';
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', ARROW);
    path.setAttribute('fill', colour);
    path.setAttribute('stroke', '#fff');
    path.setAttribute('stroke-linejoin', 'round');
    svg.append(path);
    return svg;
}

/** @param {string} colour */
function tag(colour) {
    const label = document.createElement('span');
    label.style.cssText = 'position:absolute;top:16px;padding:1px 6px;border-radius:8px;'
        + 'font:12px/1.4 system-ui,sans-serif;color:#fff;white-space:nowrap;'
        + 'max-width:14em;overflow:hidden;text-overflow:ellipsis';
    label.style.background = colour;
    return label;
}

/**
 * @typedef {object} Mark
 * @property {HTMLElement} element
 * @property {HTMLElement} label
 */

export class RemotePointers {
    #layer = document.createElement('div');
    /** @type {Map<number, {x: number, y: number}>} by viewer, in screen pixels */
    #places = new Map();
    /** @type {Map<number, Mark>} of those whose people are known */
    #marks = new Map();
    /** @type {Map<number, Person>} */
    #people = new Map();
    #canvas;
    #layout;
    #nameOf;

    /**
     * @param {HTMLCanvasElement} canvas
     * @param {Layout} layout
     * @param {(person: Person) => string} nameOf what to call somebody
     */
    constructor(canvas, layout, nameOf) {
        this.#canvas = canvas;
        this.#layout = layout;
        this.#nameOf = nameOf;
        this.#layer.setAttribute('aria-hidden', 'true');
        this.#layer.dataset['part'] = 'pointers';
        // Clips: a name at the edge must not make the page scroll.
        this.#layer.style.cssText = 'position:absolute;overflow:hidden;pointer-events:none';
        canvas.after(this.#layer);
    }

    /** Somebody points there, or no longer. @param {RemotePointer} pointer */
    show({ viewer, shown, x, y }) {
        if (shown) {
            this.#places.set(viewer, { x, y });
            this.#draw(viewer);
        } else {
            this.#remove(viewer);
        }
    }

    /** People came, went, or are called otherwise. @param {Company} company */
    tell(company) {
        this.#people = new Map(company.people.map((person) => [person.viewer, person]));
        [...this.#marks.keys()].filter((viewer) => !this.#people.has(viewer))
            .forEach((viewer) => this.#remove(viewer));
        this.#marks.forEach(({ label }, viewer) => this.#call(label, viewer));
        [...this.#places.keys()].forEach((viewer) => this.#draw(viewer));
    }

    /** Nobody is known to point anywhere. */
    clear() {
        [...this.#places.keys()].forEach((viewer) => this.#remove(viewer));
    }

    /** The picture has another place or size on the page. */
    place() {
        const { style } = this.#layer;
        const { left, top, width, height } = this.#canvas.style;
        Object.assign(style, { left, top, width, height });
        [...this.#places.keys()].forEach((viewer) => this.#draw(viewer));
    }

    /** @param {number} viewer whose place is known; its person may come later */
    #draw(viewer) {
        const place = this.#places.get(viewer);
        const person = this.#people.get(viewer);
        if (!place || !person || person.you) {
            return;
        }
        const { element, label } = this.#marks.get(viewer) ?? this.#make(person);
        const { scale } = this.#layout;
        element.style.transform = `translate(${place.x * scale}px, ${place.y * scale}px)`;
        const left = place.x > this.#canvas.width * FLIP_AT;
        label.style.left = left ? 'auto' : '12px';
        label.style.right = left ? '2px' : 'auto';
    }

    /** @param {Person} person @returns {Mark} */
    #make(person) {
        const colour = /** @type {string} */ (COLOURS[person.colour]);
        const element = document.createElement('div');
        element.dataset['viewer'] = String(person.viewer);
        element.style.cssText = 'position:absolute;left:0;top:0;width:15px;height:20px;'
            + 'transition:transform 50ms linear';
        const label = tag(colour);
        element.append(arrow(colour), label);
        this.#layer.append(element);
        const mark = { element, label };
        this.#marks.set(person.viewer, mark);
        this.#call(label, person.viewer);
        return mark;
    }

    /** @param {HTMLElement} label @param {number} viewer */
    #call(label, viewer) {
        const person = this.#people.get(viewer);
        label.textContent = person ? this.#nameOf(person) : '';
        label.hidden = label.textContent === '';
    }

    /** @param {number} viewer */
    #remove(viewer) {
        this.#places.delete(viewer);
        this.#marks.get(viewer)?.element.remove();
        this.#marks.delete(viewer);
    }
}
