// The types of azstt.js. Those of events and commands are those of `azstt schema`.

/** Containers that may arrive in pieces; "auto" tells them apart by their first bytes. */
export type Container = "auto" | "webm" | "ogg" | "mp4" | "mp3" | "aac" | "flac" | "wav";

/** Interleaved little-endian PCM: signed integers, or floats from -1 to 1. */
export interface AudioFormat {
  sample_rate?: number;
  channels?: number;
  /** Bytes a sample. */
  sample_width?: 2 | 3 | 4;
  /** Samples are floats, of 4 bytes. */
  floating?: boolean;
}

/** A stretch of the audio, in seconds from its first sample. */
export interface TimeSpan {
  start: number;
  end: number;
}

export interface Word extends TimeSpan {
  text: string;
  confidence: number | null;
  /** The times were spread over the segment by length, not measured. */
  estimated: boolean;
  /**
   * The index in the segment's text of the word's first character, counted in code points
   * (`[...text]`); null if the words are not those of the text.
   */
  text_offset: number | null;
}

export interface Alternative {
  text: string;
  lexical: string;
  itn: string;
  masked: string;
  confidence: number | null;
}

export interface Sound extends TimeSpan {
  text: string;
  accuracy: number | null;
}

export interface PronouncedWord extends TimeSpan {
  text: string;
  accuracy: number | null;
  error: string;
  phonemes: Sound[];
  syllables: Sound[];
}

export interface Pronunciation {
  accuracy: number | null;
  fluency: number | null;
  completeness: number | null;
  prosody: number | null;
  overall: number | null;
  words: PronouncedWord[];
}

/** A stretch of speech that was recognized in one piece, such as an utterance. */
export interface Segment extends TimeSpan {
  text: string;
  words: Word[];
  confidence: number | null;
  speaker: string | null;
  language: string | null;
  channel: number | null;
  alternatives: Alternative[];
  translations: Record<string, string>;
  pronunciation: Pronunciation | null;
}

/** An error as data. */
export interface Problem {
  type: string;
  message: string;
  code: string | null;
  retryable: boolean;
}

export interface Started {
  kind: "started";
  model: string | null;
  session_id: string | null;
}

export interface SpeechStarted {
  kind: "speech_started";
  at: number;
}

/** What the open segment sounds like so far: show `stable + tail`. */
export interface Partial extends TimeSpan {
  kind: "partial";
  text: string;
  /** What will not change until the final. */
  stable: string;
  /** What follows it for now. */
  tail: string;
  /** What `stable` has grown by. */
  delta: string;
  speaker: string | null;
  language: string | null;
}

/** A segment that will not change. Its text is empty where speech held no words. */
export interface Final {
  kind: "final";
  segment: Segment;
}

export interface SpeechEnded {
  kind: "speech_ended";
  at: number;
}

/** The server lost its connection to the recognizer, and makes another. */
export interface Reconnecting {
  kind: "reconnecting";
  attempt: number;
  delay: number;
  reason: string;
}

/** Audio that was sent and will not be recognized, and why. */
export interface AudioGap extends TimeSpan {
  kind: "audio_gap";
  reason: string;
}

/** The session is over: everything was recognized or is silence. */
export interface Ended {
  kind: "ended";
  position: number;
}

/** The session is over because something failed. */
export interface Failed {
  kind: "failed";
  error: Problem;
}

/** A command was not carried out; the session goes on. */
export interface Refused {
  kind: "refused";
  command: string | null;
  error: Problem;
}

/** What happens in a session. */
export type LiveEvent =
  | Started
  | SpeechStarted
  | Partial
  | Final
  | SpeechEnded
  | Reconnecting
  | AudioGap
  | Ended
  | Failed
  | Refused;

/** What the server says. */
export type Message =
  | { kind: "opened"; session: string; received: number; grace: number }
  | { kind: "event"; seq: number; event: LiveEvent }
  | { kind: "ack"; received: number }
  | Refused;

/** What a page says, beside audio. */
export type Command =
  | {
      kind: "start";
      audio?: Container | AudioFormat;
      language?: string[];
      diarize?: boolean;
      phrases?: string[];
    }
  | { kind: "resume"; session: string; seen: number }
  | { kind: "update"; language?: string[] | null; phrases?: string[] | null }
  | { kind: "commit" }
  | { kind: "finish" }
  | { kind: "ping"; seen: number }
  | { kind: "close" };

/** The details of what a client dispatches, by the events' names. */
export type LiveEventMap = { [E in LiveEvent as E["kind"]]: E } & {
  /** The server takes audio; `resumed` after a connection was lost. */
  connected: { resumed: boolean };
  /** The connection was lost; another attempt follows in `delay` seconds. */
  disconnected: { attempt: number; delay: number };
};

/** Why a session failed, or what a call may not do. */
export class LiveError extends Error {
  constructor(problem: { type: string; message: string; code?: string | null; retryable?: boolean });
  readonly type: string;
  readonly code: string | null;
  readonly retryable: boolean;
}

export interface LiveTuning {
  /** Bytes that may wait for the server; more ends the session. 8 MiB unless said otherwise. */
  limit?: number;
  /** Milliseconds between two pings; a connection that is silent for two is made anew. 5000. */
  heartbeat?: number;
  /** Milliseconds before the first, and at most before a later, attempt to connect again. */
  backoff?: [number, number];
  /** Makes a connection: a WebSocket, unless something that stands in for one is given. */
  socket?: (url: string) => Socket;
}

/** As much of a WebSocket as is needed: what keeps messages apart and in order. */
export interface Socket {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(message: string | Blob | ArrayBuffer): void;
  close(): void;
}

export interface ConnectOptions {
  /** What will be sent; "auto" unless said otherwise. */
  audio?: Container | AudioFormat;
  /** BCP-47 tags; several are candidates to detect. */
  language?: string | string[];
  /** Tell the speakers apart. */
  diarize?: boolean;
  /** Words and names to expect. */
  phrases?: string[];
}

/**
 * One live session. It dispatches the session's events by their kind ("partial", "final"...),
 * each with the event as its `detail`, and "connected", "disconnected" and "refused".
 *
 * A connection that is lost is made anew for as long as the server keeps the session, and what
 * was not acknowledged is sent again: nothing is lost or doubled. What can't be helped is
 * "failed", once.
 */
export class LiveClient extends EventTarget {
  constructor(tuning?: LiveTuning);

  /** Whether "ended" or "failed" has come, or it was closed. */
  readonly over: boolean;
  /** What is sent, as `connect` was told. */
  readonly audio: Container | AudioFormat | undefined;
  /** The segments that will not change. */
  readonly finals: Segment[];
  /** What the open segment sounds like. */
  readonly partial: Partial | null;
  /** All that was said, as far as it is known now. */
  readonly transcript: string;
  /** Bytes that the server has not acknowledged. */
  readonly buffered: number;

  /** Begins the session; resolves when the server takes audio, rejects with a `LiveError`. */
  connect(url: string | URL, options?: ConnectOptions): Promise<void>;
  /**
   * Sends audio, cut anywhere; before the connection stands and while it is lost it is kept.
   * Resolves when there is room for more: await it to send faster than is spoken.
   */
  send(audio: ArrayBuffer | ArrayBufferView | Blob): Promise<void>;
  /** Ends the open segment here: what was said becomes a final. */
  commit(): void;
  /** Recognizes what follows with other options; those left out stay. */
  update(options: { language?: string | string[]; phrases?: string[] }): void;
  /** Says that no more audio comes; resolves with the transcript, rejects with a `LiveError`. */
  finish(): Promise<string>;
  /** Ends the session now; what is still on its way is lost. */
  close(): void;

  addEventListener<K extends keyof LiveEventMap>(
    kind: K,
    listener: (event: CustomEvent<LiveEventMap[K]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    kind: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** A recording under way. */
export interface Recording {
  /** The MIME type of what is sent. */
  readonly type: string;
  /** Ends it; resolves when the last of it was handed to the client, for `finish()` then. */
  stop(): Promise<void>;
}

/** The format for `connect` that `recordPcm` sends. */
export const PCM: Readonly<{ sample_rate: 16000; channels: 1; sample_width: 2 }>;

/**
 * Sends a stream as the browser compresses it (WebM or Ogg with Opus, or MP4), every `timeslice`
 * milliseconds. Connect with `audio: "auto"`. It stops when the session is over.
 */
export function recordOpus(
  stream: MediaStream,
  client: LiveClient,
  options?: { timeslice?: number; bitsPerSecond?: number },
): Recording;

/**
 * Sends a stream as 16-bit mono PCM, every 100 ms. Connect with `audio: PCM`, or with another
 * rate. It stops when the session is over.
 *
 * `worklet` is where `azstt-worklet.js` is, if not beside `azstt.js`.
 */
export function recordPcm(
  stream: MediaStream,
  client: LiveClient,
  options?: { worklet?: string | URL },
): Promise<Recording>;
