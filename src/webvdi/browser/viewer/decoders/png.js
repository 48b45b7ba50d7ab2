/** PNG: exact pixels. */

import { PictureDecoder } from './picture.js';
import { PNG } from './picture_size.js';

export class PngDecoder extends PictureDecoder {
    constructor() {
        super(PNG);
    }
}
