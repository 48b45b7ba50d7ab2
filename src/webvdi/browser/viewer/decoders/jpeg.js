/** JPEG: photographic pixels, made exact by a later update. */

import { PictureDecoder } from './picture.js';
import { JPEG } from './picture_size.js';

export class JpegDecoder extends PictureDecoder {
    constructor() {
        super(JPEG);
    }
}
