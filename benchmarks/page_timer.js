/**
 * In the page, before anything of its own: from a key press to the pixel on the canvas, and the
 * bytes that came meanwhile. The same for every peer, whatever it is made of.
 *
 * The canvas is looked at in animation frames, but only once something has been drawn on it, when
 * there is to be a frame anyway. A page that asks for every frame would be another page: Chromium
 * puts off what comes from the network between a key and the next frame, if one is asked for.
 */

(() => {
    const traffic = { received: 0, sent: 0 };
    /** The key that was pressed, or is to be, until it is on the canvas. */
    let pending = null;

    const timer = {
        traffic,
        place: [0, 0],
        colours: [],
        /** Gives the canvas that people see. */
        canvas: () => null,
        /** For page_trace.js: something was sent, received or drawn, of so many bytes. */
        note: () => {},
        /** Which of the colours the marker has, -1 for none of them. */
        colour: () => timer.colours.findIndex(shows),

        /** Forget the picture, so that the next one to be seen is a fresh one. */
        blank() {
            const canvas = timer.canvas();
            const context = canvas?.getContext('2d');
            if (context) {
                context.fillStyle = '#000';
                context.fillRect(0, 0, canvas.width, canvas.height);
            }
        },

        /**
         * Wait for the marker's other colour after the next key press.
         * @returns whether it has one: the server may show a scene that is not yet marked
         */
        arm() {
            const now = timer.colour();
            if (now < 0) {
                return false;
            }
            pending = { pressed: null, down: null, drawn: null, wanted: timer.colours[1 - now], resolve: null };
            timer.shown = new Promise((resolve) => {
                pending.resolve = resolve;
            });
            return true;
        },
    };
    window.pageTimer = timer;

    function pixel() {
        const canvas = timer.canvas();
        const [x, y] = timer.place;
        if (!canvas || x >= canvas.width || y >= canvas.height) {
            return null;
        }
        return canvas.getContext('2d').getImageData(x, y, 1, 1).data;
    }

    /** Whether the marker has this colour, as exactly as a lossy codec gives it. */
    function shows(colour) {
        const seen = pixel();
        return seen !== null && colour.every((part, index) => Math.abs(part - seen[index]) < 32);
    }

    /** Bytes of a message as the page gives or gets it. */
    const sizeOf = (data) => data.byteLength ?? data.size ?? data.length;

    function passed(direction, data) {
        traffic[direction] += sizeOf(data);
        timer.note(direction, sizeOf(data));
    }

    function drawn() {
        timer.note('drawn', 0);
        if (pending && pending.down !== null) {
            if (pending.drawn === null) {
                requestAnimationFrame(look);
            }
            pending.drawn = performance.now();
        }
    }

    function look() {
        if (shows(pending.wanted)) {
            const { pressed, down, drawn: last, resolve } = pending;
            pending = null;
            resolve({ pressed, down, drawn: last, shown: performance.now() });
        } else {
            requestAnimationFrame(look);
        }
    }

    window.addEventListener('keydown', (event) => {
        if (pending && pending.down === null) {
            pending.pressed = event.timeStamp;
            pending.down = performance.now();
        }
    }, true);

    // Not a subclass: noVNC looks for WebSocket's members in the prototype of what it is given.
    window.WebSocket = new Proxy(window.WebSocket, {
        construct(Target, details) {
            const socket = new Target(...details);
            socket.addEventListener('message', ({ data }) => passed('received', data));
            return socket;
        },
    });
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function counted(data) {
        passed('sent', data);
        send.call(this, data);
    };

    const { prototype } = CanvasRenderingContext2D;
    for (const name of ['putImageData', 'drawImage', 'fillRect']) {
        const draw = prototype[name];
        prototype[name] = function noticed(...details) {
            draw.apply(this, details);
            if (this.canvas === timer.canvas()) {
                drawn();
            }
        };
    }
})();
