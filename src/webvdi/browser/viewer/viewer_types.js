/**
 * What the viewer takes, and tells.
 *
 * @import { Person } from './people.js'
 * @import { Transport } from './transports/websocket.js'
 */

/**
 * @typedef {object} ConnectDetails
 * @property {string | URL} url of the WebSocket; http and https will do
 * @property {() => Promise<string>} ticket a fresh ticket; throw a ViewerError that is `final`
 *     where trying again is of no use
 * @property {() => Transport} [transport] another way to carry messages
 *
 * @typedef {object} Options
 * @property {'fit' | 'off'} [scaling] 'fit' by default; 'off': one screen pixel is one CSS pixel
 * @property {boolean} [viewOnly] send no input
 * @property {string} [label] what a screen reader calls the picture
 * @property {(person: Person) => string} [nameOf] what stands beside another person's pointer;
 *     the name they chose, by default
 */

/**
 * Events, each a CustomEvent with this `detail`:
 *
 * - `statechange` {state, error}: connecting, live, reconnecting or ended; error or null
 * - `machine` {state, detail}: connecting, live, lost, off, paused, credentials or failed
 * - `credentialsrequired` {fields, retry}: answer with `sendCredentials`
 * - `picture` {}: the first pixels are there
 * - `resize` {width, height} · `name` {name} · `role` {role} · `leds` {leds} · `bell` {}
 * - `people` Company: who is here, who has control, who asks for it
 * - `clipboard` {text}: what the guest copied · `stats` Summary, once a second
 * - `chord` {}: Control+Alt+Shift alone, the keyboard's way from the guest to the page
 */
export {};
