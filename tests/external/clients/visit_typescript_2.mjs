// TypeScript SDK 2.x visits a server: the argument is the plan (visits.py), the output what it saw.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const plan = JSON.parse(process.argv[2]);
const [command, ...args] = plan.target;
const transport = command.startsWith("http")
  ? new StreamableHTTPClientTransport(new URL(command))
  : new StdioClientTransport({ command, args, env: process.env });
const client = new Client({ name: "visitor", version: "1" }, { versionNegotiation: { mode: "auto" } });
await client.connect(transport);

const calls = [];
for (const [name, given] of plan.calls) {
  const { content, structuredContent, isError } = await client.callTool({ name, arguments: given });
  calls.push({
    error: Boolean(isError),
    texts: content.filter((part) => part.type === "text").map((part) => part.text),
    images: content.filter((part) => part.type === "image").map((part) => part.data),
    structured: structuredContent ?? null,
  });
}
const resource = await client.readResource({ uri: plan.resource });
const [prompt, given] = plan.prompt;
const { messages } = await client.getPrompt({ name: prompt, arguments: given });
const { completion } = await client.complete({
  ref: { type: "ref/resource", uri: plan.template },
  argument: plan.argument,
});
const { tools } = await client.listTools();
const seen = {
  protocol: client.getNegotiatedProtocolVersion(),
  tools: tools.map((tool) => tool.name),
  calls,
  resource: resource.contents[0].text,
  prompt: messages.map((message) => message.content.text),
  values: completion.values,
};
await client.close();
console.log(JSON.stringify(seen));
