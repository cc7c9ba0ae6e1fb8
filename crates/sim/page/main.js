// The app: reads the page's data and puts the parts together.

import { data, is, route, toil } from "./app.js";
import { Channel } from "./channel.js";
import { Chat, chatOf } from "./chat.js";
import { Composer } from "./composer.js";
import { h, part } from "./dom.js";
import { banner, Header, loggedOut, notice, overlay, popup, Sidebar } from "./frame.js";
import { gql } from "./gql.js";
import { habitOf } from "./habits.js";
import { login } from "./login.js";
import { Thread } from "./thread.js";

const root = document.getElementById("__next");
if (is("heavy", "yes")) toil(30);
if (data.kind === "login") login(root, data.redirectUrl);
else chatPage();

function chatPage() {
  const habit = habitOf(data.habit);
  const sidebar = new Sidebar(data);
  const main = h("main", { class: "ChatPageMain_container__" });
  const page = h("div", { class: "PageWithSidebarLayout_layout__" }, sidebar.element, main);
  const header = new Header(data.bot, () => page.classList.toggle("open"));
  main.append(header.element);
  root.append(page);
  overlay(document.body);
  if (!data.viewer) {
    main.append(loggedOut(data.bot));
    return;
  }
  const actions = {
    send: (text, files) => chat.send(text, files),
    stop: () => chat.stop(),
    clear: () => chat.clear(),
    suggest: (text) => composer.suggest(text),
  };
  const thread = new Thread(data.bot, actions);
  const chat = new Chat(data.bot, data.chat, {
    message: (node, known) => (known ? thread.changed(node) : thread.all(chat)),
    all: () => thread.all(chat),
    busy: () => composer.busy(Boolean(chat.running), chat.sending),
    title: () => header.render(chat.title),
    opened: () => {
      history.pushState({}, "", route("/chat/{code}", { code: chat.code }));
      header.render(chat.title);
      header.offer(chat);
      sidebar.refresh(chat.id);
    },
  });
  // The channel first: an update that nobody listens to is lost.
  new Channel(
    data.settings.tchannelData,
    (payload) => {
      chat.apply(payload);
      // Of the chats of other pages too.
      const named = payload.data?.chatTitleUpdated;
      if (named) sidebar.name(chatOf(payload), named.title, chat.id);
    },
    () => {
      chat.reread();
      if (chat.id !== null) sidebar.refresh(chat.id);
    },
  );
  if (is("shape", "2025")) gql("SubscriptionsMutation", { subscriptions: [] }).catch(() => null);
  const footer = part("footer");
  main.append(thread.element, footer);
  const composer = new Composer(footer, root, habit, data.bot.displayName, actions);
  header.render(chat.title);
  if (chat.id !== null) header.offer(chat);
  thread.all(chat);
  composer.busy(Boolean(chat.running), chat.sending);
  // Back and forward between addresses that this page made itself.
  addEventListener("popstate", () => location.reload());
  if (habit.popup) document.body.append(popup());
  if (habit.notice) footer.replaceWith(notice(...habit.notice));
  if (habit.goesTo) setTimeout(() => location.replace(habit.goesTo), 300);
  if (habit.bannerAfter) setTimeout(() => document.body.append(banner()), habit.bannerAfter);
  for (let n = 0; n < habit.alerts; n++) setTimeout(() => alert("News from Poe"), 100 * n);
}
