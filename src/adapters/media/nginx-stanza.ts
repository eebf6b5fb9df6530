/**
 * The nginx configuration that puts a media server behind the gate, as text to paste. docs/media/nginx-rtmp.md shows
 * exactly this output, and tests run it.
 *
 * nginx-rtmp speaks plain HTTP/1.0, sends no header of ours and reads an answer until the connection closes; the
 * little proxy in the same nginx adds the bearer, TLS and keep-alive, and is where the choice for a gate that cannot
 * be reached lives. The secret itself is never part of the text.
 */
import type { MediaServer } from './servers-file.ts'

export interface StanzaOptions {
  readonly server: Pick<MediaServer, 'id' | 'when_down' | 'hold_max_ms' | 'app'>
  /** Base address of the gate, without a slash at the end. */
  readonly gate_url: string
  readonly rtmp_port: number
  /** Local port of the proxy; never reachable from outside. */
  readonly hook_port: number
}

/** A decision's 2 s and a second for the way. */
const ANSWER_S = 3
/** `netcall_timeout` is a second above connecting (1 s) and reading, so that the proxy always answers first. */
const NETCALL_MARGIN_S = 2

/** `rtmp { }`: belongs beside `http { }` in nginx.conf. */
export function rtmpStanza(options: StanzaOptions): string {
  const hook = `http://127.0.0.1:${options.hook_port}`
  return `rtmp {
    access_log off;                # its lines would hold stream keys
    server {
        listen ${options.rtmp_port};
        netcall_timeout ${readTimeoutS(options) + NETCALL_MARGIN_S}s;
        application ${options.server.app ?? 'live'} {
            live on;
            on_publish      ${hook}/_gate;
            on_publish_done ${hook}/_gate;
            on_update       ${hook}/_gate_open;
            notify_update_timeout 15s;
        }
    }
}
`
}

/** `server { }`: belongs inside `http { }`. */
export function proxyStanza(options: StanzaOptions): string {
  return `server {
    listen 127.0.0.1:${options.hook_port};
    allow 127.0.0.1;
    deny all;
    access_log off;
    client_max_body_size 16k;

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Authorization "Bearer PUT-THE-SECRET-HERE";
    proxy_ssl_server_name on;      # these three for an https gate
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;
    proxy_redirect off;            # a Location is a stream name here
    proxy_next_upstream off;
    proxy_connect_timeout 1s;

${gateLocation(options)}
    # Polls of running streams: only the gate's own 403 may cut one, every other answer keeps it.
    location = /_gate_open {
        proxy_pass ${hookAddress(options)};
        proxy_read_timeout ${ANSWER_S}s;
        proxy_intercept_errors on;
        error_page 400 401 404 405 408 409 413 429 500 501 502 503 504 = @keep;
    }
    location @keep {
        return 204;
    }

    # How the gate sees what runs, and ends it. Nobody else may: the list can hold stream keys.
    location /control {
        rtmp_control drop;
    }
    location = /stat {
        rtmp_stat all;
    }
}
`
}

/** The location that decides starts: the only difference between `deny` and `allow` when the gate is down. */
export function gateLocation(options: StanzaOptions): string {
  const open = options.server.when_down === 'allow'
  const comment = open
    ? '# Starts. Gate unreachable or silent: admitted, undecided. Its own refusals still refuse.'
    : '# Starts. Gate unreachable or silent: refused.'
  const admit = open
    ? `
        error_page 502 504 = @admit;
    }
    location @admit {
        return 204;
    }`
    : `
    }`
  return `    ${comment}
    location = /_gate {
        proxy_pass ${hookAddress(options)};
        proxy_read_timeout ${readTimeoutS(options)}s;${admit}
`
}

function hookAddress({ server, gate_url }: StanzaOptions): string {
  return `${gate_url}/hooks/nginx-rtmp/${server.id}`
}

function readTimeoutS({ server }: StanzaOptions): number {
  return Math.ceil(server.hold_max_ms / 1000) + ANSWER_S
}
