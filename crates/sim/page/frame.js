// The page around the chat: sidebar, header, popup, the signed-out section.

import { is, route } from "./app.js";
import { avatar, h, icon, part } from "./dom.js";
import { gql } from "./gql.js";

/** The sidebar with the account's chats. */
export class Sidebar {
  constructor(data) {
    this.viewer = data.viewer;
    this.bots = data.bots;
    this.titles = new Map();
    this.list = h("nav", { class: "ChatHistoryListItems_list__", "aria-label": "Chats" });
    this.element = h(
      "aside",
      { class: "PageWithSidebarLayout_leftSidebar__" },
      h("a", { class: "MainNav_logo__", href: "/" }, h("span", { class: "MainNav_mark__" }), "Poe"),
      h("a", { class: "MainNav_newChat__", href: route("/{bot}", { bot: data.bot.handle }) }, icon("plus"), "New chat"),
      h(
        "div",
        { class: "PageWithSidebarLayout_scroll__" },
        this.list,
        h("div", { class: "SidebarSection_label__" }, "Bots"),
        h("nav", { class: "BotLists_list__", "aria-label": "Bots" }, ...data.bots.slice(0, 8).map(botLink)),
      ),
      this.viewer ? this.account() : h("a", { class: "MainNav_login__", href: loginAddress() }, "Log in"),
    );
    this.render(data.chats ?? [], data.chat ? Number(data.chat.chatId) : null);
  }

  account() {
    const leave = async () => {
      await gql("LogoutMutation", {}).catch(() => null);
      location.href = `${route("/login")}?redirect_url=%2F`;
    };
    return h(
      "div",
      { class: "MainNav_account__" },
      avatar(this.viewer.displayName),
      h("span", { class: "MainNav_viewer__", title: this.viewer.email }, this.viewer.displayName),
      h("button", { class: "MainNav_logout__", type: "button", onclick: leave }, "Log out"),
    );
  }

  render(chats, current) {
    this.titles.clear();
    const rows = chats.map((chat) => {
      const title = h("span", {}, chat.title ?? "New chat");
      this.titles.set(Number(chat.chatId), title);
      return h(
        "div",
        { class: "ChatHistoryListItem_wrapper__", "aria-current": Number(chat.chatId) === current && "page" },
        h("a", { href: route("/chat/{code}", { code: chat.chatCode }) }, avatar(chat.defaultBotObject.displayName), title),
        is("markup", "2023") ? chatMenu(() => remove(chat, current)) : null,
      );
    });
    const label = rows.length ? [h("div", { class: "SidebarSection_label__" }, "Chats")] : [];
    this.list.replaceChildren(...label, ...rows);
  }

  /** Shows the title that a chat has now. */
  name(chat, title, current) {
    const shown = this.titles.get(chat);
    if (shown) shown.textContent = title ?? "New chat";
    else this.refresh(current);
  }

  /** Asks for the list anew, and once more where that is wanted again meanwhile. */
  async refresh(current) {
    this.current = current;
    this.isStale = true;
    if (this.isAsking) return;
    this.isAsking = true;
    while (this.isStale) {
      this.isStale = false;
      const data = await gql("ChatHistoryListQuery", {}).catch(() => null);
      if (data) this.render(data.chats, this.current);
    }
    this.isAsking = false;
  }
}

async function remove(chat, current) {
  await gql("DeleteChatMutation", { chatId: chat.chatId }).catch(() => null);
  location.href = Number(chat.chatId) === current ? route("/{bot}", { bot: chat.defaultBotObject.handle }) : location.href;
}

/** The button that opens the menu of a chat. */
function chatMenu(onDelete) {
  const open = () => {
    const menu = part("menu");
    const close = () => menu.remove();
    const item = (name, label, act) => part(name, { onclick: () => (close(), act()) }, label);
    menu.append(item("menuItem", "Share", () => null), item("menuDelete", "Delete...", () => confirmDelete(onDelete)));
    document.querySelector("[role='menu']")?.remove();
    document.body.append(menu);
  };
  return part("chatMenu", { onclick: open }, icon("menu", { width: "16", height: "16" }));
}

/** Asks before a chat is deleted. */
function confirmDelete(onYes) {
  const element = dialog(
    "Delete chat",
    "Delete this chat?",
    h("p", {}, "All of its messages are deleted for good."),
    part("modalCancel", { onclick: () => element.remove() }, "Cancel"),
    part("modalDelete", { onclick: () => (element.remove(), onYes()) }, "Delete"),
  );
  document.body.append(element);
}

function botLink(bot) {
  return h("a", { href: route("/{bot}", { bot: bot.handle }) }, avatar(bot.displayName), h("span", {}, bot.displayName));
}

/** The line on top of a chat. */
export class Header {
  constructor(bot, toggleSidebar) {
    this.bot = bot;
    this.title = h("div", { class: "ChatHeader_title__" });
    this.element = h(
      "header",
      { class: "ChatHeader_header__" },
      h("button", { class: "ChatHeader_menu__", type: "button", "aria-label": "Menu", onclick: toggleSidebar }, icon("menu")),
      avatar(bot.displayName),
      h("div", { class: "ChatHeader_names__" }, this.title, h("div", { class: "BotHeader_botName__" }, bot.displayName)),
    );
    this.render(null);
  }

  /** Offers the menu of a chat that is there. */
  offer(chat) {
    if (is("markup", "2023") || this.menu) return;
    this.menu = chatMenu(() => remove({ chatId: chat.id, defaultBotObject: this.bot }, chat.id));
    this.element.append(this.menu);
  }

  render(title) {
    this.title.textContent = title ?? this.bot.displayName;
    document.title = title ? `${title} - Poe` : `${this.bot.displayName} - Poe`;
  }
}

/** What a signed-out visitor sees in place of the prompt box. */
export function loggedOut(bot) {
  const talk = h("a", { class: "Button_button__ TalkToBotButton_button__", href: loginAddress() }, `Talk to ${bot.displayName}`);
  return part("loggedOut", {}, avatar(bot.displayName, "large"), h("h1", {}, bot.displayName), h("p", {}, bot.description), part("talkToBot", {}, talk));
}

/** A dialog that covers the page until it is closed. */
function dialog(label, title, ...content) {
  const close = () => element.remove();
  const element = part("modal", {}, part("modalContent", { "aria-label": label }, part("modalClose", { onclick: close }, icon("close")), h("h2", {}, title), ...content));
  return element;
}

/** A popup with news. */
export function popup() {
  return dialog("News", "Poe on all your devices", h("p", {}, "Take your chats with you: get the app for your phone and your desktop."));
}

/** Asks before a message that costs much; `onYes` sends it. */
export function price(onYes) {
  const answer = (label, act) => h("button", { class: "Button_button__ Button_primary__", type: "button", onclick: act }, label);
  const element = dialog(
    "Message price",
    "Send this message?",
    h("p", {}, "This message costs 1,200 points, which is more than your limit for one message."),
    answer("Cancel", () => element.remove()),
    answer("Send anyway", () => {
      element.remove();
      onYes();
    }),
  );
  document.body.append(element);
}

/** What others lay over the page: a prompt to sign in, a banner that asks for consent. */
export function overlay(body) {
  const over = "position: fixed; z-index: 1000; background: #fffd; left: 0; right: 0; padding: 12px";
  if (is("overlay", "one-tap")) {
    const prompt = h("iframe", { title: "Sign in with Google", src: "about:blank", style: "width: 100%; height: 40vh; border: 0" });
    body.append(h("div", { id: "credential_picker_container", style: `${over}; bottom: 0; height: 45vh` }, prompt));
  }
  if (is("overlay", "cookies")) {
    const accept = h("button", { id: "onetrust-accept-btn-handler", type: "button", onclick: () => banner.remove() }, "Accept All Cookies");
    const text = "By clicking “Accept All Cookies”, you agree to the storing of cookies on your device.";
    const banner = h("div", { id: "onetrust-banner-sdk", role: "dialog", "aria-label": "Cookie banner", style: `${over}; bottom: 0; height: 45vh` }, h("p", {}, text), accept);
    body.append(banner);
  }
}

/** What stands in place of the prompt box of a bot that one cannot talk to. */
export function notice(className, title, text) {
  return h("section", { class: className }, h("h2", {}, title), h("p", {}, text));
}

/** A banner over the whole page that asks for consent, and for nothing else. */
export function banner() {
  const style = "position: fixed; inset: 0; z-index: 1000; padding: 20vh 20vw; background: #fffe";
  return h("div", { class: "ConsentLayer_layer__", style }, "We value your privacy. Accept all cookies?");
}

function loginAddress() {
  return `${route("/login")}?redirect_url=${encodeURIComponent(location.pathname)}`;
}
