// Runs Microsoft's SDK once and prints what it heard, as one line of JSON.
// node recognize.js continuous|once|conversation host|endpoint URL WAV
"use strict";

const fs = require("node:fs");
const sdk = require("microsoft-cognitiveservices-speech-sdk");

const [mode, way, url, wav] = process.argv.slice(2);
const address = new URL(url);
const config = way === "host" ? sdk.SpeechConfig.fromHost(address) : sdk.SpeechConfig.fromEndpoint(address);
config.outputFormat = sdk.OutputFormat.Detailed;
config.speechRecognitionLanguage = "en-US";

const stream = sdk.AudioInputStream.createPushStream();
const audio = sdk.AudioConfig.fromStreamInput(stream);
const samples = fs.readFileSync(wav).subarray(44);
for (let at = 0; at < samples.length; at += 3200) {
  stream.write(new Uint8Array(samples.subarray(at, at + 3200)).buffer);
}
stream.close();

const heard = { partials: [], finals: [], errors: [] };

function tell(recognizer) {
  recognizer.close(
    () => console.log(JSON.stringify(heard)),
    (error) => { throw new Error(error); },
  );
}

function keep(result) {
  if (result.text) {
    heard.finals.push({ text: result.text, offset: result.offset, speaker: result.speakerId });
  }
}

function listen(recognizer, partial, final, stop) {
  recognizer[partial] = (_, event) => heard.partials.push(event.result.text);
  recognizer[final] = (_, event) => keep(event.result);
  recognizer.canceled = (_, event) => {
    if (event.reason !== sdk.CancellationReason.EndOfStream) {
      heard.errors.push(`${event.errorCode} ${event.errorDetails}`);
    }
  };
  recognizer.sessionStopped = () => stop(() => tell(recognizer));
}

if (mode === "once") {
  const recognizer = new sdk.SpeechRecognizer(config, audio);
  recognizer.recognizeOnceAsync((result) => { keep(result); tell(recognizer); });
} else if (mode === "continuous") {
  const recognizer = new sdk.SpeechRecognizer(config, audio);
  listen(recognizer, "recognizing", "recognized", (then) => recognizer.stopContinuousRecognitionAsync(then));
  recognizer.startContinuousRecognitionAsync();
} else {
  const recognizer = new sdk.ConversationTranscriber(config, audio);
  listen(recognizer, "transcribing", "transcribed", (then) => recognizer.stopTranscribingAsync(then));
  recognizer.startTranscribingAsync();
}
