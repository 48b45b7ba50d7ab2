/** JPEG: photographic pixels, made exact by a later update. */

import { PictureDecoder } from './picture.js';

export class JpegDecoder extends PictureDecoder {
    constructor() {
        super('image/jpeg');
    }
}
