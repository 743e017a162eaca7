// Tokens a second of llama.cpp on a GGUF file, one stream, through npm's node-llama-cpp.
//     node llama_generate.mjs MODEL.gguf THREADS TOKENS     (NODE_PATH or LLAMA_MODULES: where node_modules lies)
import {createRequire} from "node:module";
import {pathToFileURL} from "node:url";

const [, , modelPath, threads, tokens] = process.argv;
const require = createRequire((process.env.LLAMA_MODULES ?? process.cwd()) + "/");
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(require.resolve("node-llama-cpp")).href);
const llama = await getLlama({gpu: false, build: "never", maxThreads: Number(threads), logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath, gpuLayers: 0});
const rates = [];
for (let round = 0; round < 3; round++) {
    const context = await model.createContext({contextSize: 512, threads: Number(threads)});
    const sequence = context.getSequence();
    let count = 0, begin = 0;
    for await (const token of sequence.evaluate([1, 300, 301, 302], {temperature: 1, topK: 40})) {
        if (count === 0) begin = performance.now();
        if (++count > Number(tokens)) break;
    }
    rates.push((count - 1) / (performance.now() - begin) * 1000);
    await context.dispose();
}
rates.sort((a, b) => a - b);
console.log(rates[1]);
process.exit(0);
