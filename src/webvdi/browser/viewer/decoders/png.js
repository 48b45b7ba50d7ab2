/** PNG: exact pixels. */

import { PictureDecoder } from './picture.js';

export class PngDecoder extends PictureDecoder {
    constructor() {
        super('image/png');
    }
}
