// Main job through the generated TypeScript types and openapi-fetch: `main_job.js URL EMAIL PASSWORD` prints a report.
import createClient from "openapi-fetch";
import type { paths } from "./taskflow.js";

declare const process: { argv: string[] }; // of Node.js

const [url, email, password] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: url });

const wrong = await client.POST("/api/v1/auth/login/", { body: { email, password: "a wrong password" } });
const { data: tokens } = await client.POST("/api/v1/auth/login/", { body: { email, password } });
if (!tokens) throw new Error("not signed in");
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${tokens.access}`);
    return request;
  },
});

const add = () =>
  client.POST("/api/v1/tasks/quick-add/", {
    params: { header: { "Idempotency-Key": "rent-1" } },
    body: { text: "Pay rent tomorrow 9am !high +bills" },
  });
const created = [await add(), await add()];
const task = created[0]?.data;
if (!task) throw new Error("not created");
const page = await client.GET("/api/v1/tasks/", { params: { query: { filter: "priority:high label:bills" } } });

const path = { ref: task.key };
const etagOf = async () => (await client.GET("/api/v1/tasks/{ref}/", { params: { path } })).response.headers.get("ETag") ?? "";
const patch = (etag: string, body: { title: string; priority?: "urgent" }) =>
  client.PATCH("/api/v1/tasks/{ref}/", { params: { path, header: { "If-Match": etag } }, body });
const etag = await etagOf();
const changed = await patch(etag, { title: "Pay the rent", priority: "urgent" });
const conflict = await patch(etag, { title: "Rent" });
// A conflict is resolved by reading the task again.
const retried = await patch(await etagOf(), { title: "Rent" });

const comment = await client.POST("/api/v1/tasks/{ref}/comments/", { params: { path }, body: { body: "Sent **today**." } });
const item = await client.POST("/api/v1/tasks/{ref}/checklist/", { params: { path }, body: { text: "Check the amount" } });
if (!item.data) throw new Error("no checklist item");
const done = await client.PATCH("/api/v1/tasks/{ref}/checklist/{item_id}/", {
  params: { path: { ...path, item_id: item.data.id } },
  body: { is_done: true },
});

console.log(
  JSON.stringify({
    wrong_password: [wrong.response.status, wrong.error?.code],
    created: created.map(({ response }) => response.status),
    tasks: page.data?.results.map(({ key }) => key === task.key),
    due_at: task.due_at !== null,
    patched: [changed.response.status, changed.data?.title, changed.data?.priority],
    conflict: [conflict.response.status, conflict.error?.code, conflict.error?.differences?.[0]?.current],
    retried: [retried.response.status, retried.data?.title],
    comment: comment.data?.body,
    checklist: [done.data?.text, done.data?.is_done],
  }),
);
