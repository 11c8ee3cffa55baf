//! Every page in every language, out of canned answers: it is there, says things once, and its
//! markup holds together.

mod canned;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use rivulet_web::{WebDeps, router};
use std::collections::BTreeSet;
use tower::ServiceExt;

/// For whoever is logged in, an admin with channels.
const PAGES: &[&str] = &[
    "/",
    "/?tag=boats",
    "/?language=en",
    "/categories",
    "/categories/crafts",
    "/followed",
    "/search",
    "/search?q=boat",
    "/search?q=x",
    "/demo",
    "/quiet",
    "/demo/about",
    "/demo/schedule",
    "/demo/videos",
    "/embed/demo",
    "/popout/demo/chat",
    "/dock/chat?channel=demo",
    "/overlay/chat?channel=demo&fade=20&size=24",
    "/setup?token=x",
    "/password",
    "/reset-password?token=x",
    "/settings",
    "/confirm-email?token=x",
    "/settings/security",
    "/settings/tokens",
    "/settings/notifications",
    "/settings/data",
    "/notifications",
    "/dashboard/demo",
    "/dashboard/demo/profile",
    "/dashboard/demo/panels",
    "/dashboard/demo/schedule",
    "/dashboard/demo/keys",
    "/dashboard/demo/people",
    "/dashboard/demo/access",
    "/dashboard/demo/webhooks",
    "/dashboard/demo/webhooks/w1",
    "/dashboard/demo/chat",
    "/dashboard/demo/chat/rules",
    "/dashboard/demo/chat/emotes",
    "/dashboard/demo/chat/extras",
    "/dashboard/demo/moderation",
    "/dashboard/demo/moderation/eve",
    "/dashboard/demo/broadcasts",
    "/dashboard/demo/broadcasts/b1",
    "/admin",
    "/admin/users",
    "/admin/users?state=pending",
    "/admin/users/grace",
    "/admin/channels",
    "/admin/sign-ups",
    "/admin/reports",
    "/admin/audit",
    "/admin/settings",
    "/admin/announcements",
    "/admin/categories",
    "/admin/emotes",
    "/api/docs",
];

/// For guests.
const GUEST_PAGES: &[&str] = &[
    "/",
    "/login",
    "/signup",
    "/demo",
    "/quiet",
    "/demo/about",
    "/popout/demo/chat",
    "/dock/chat?channel=demo",
    "/overlay/chat?channel=demo",
];

async fn page(request: Request<Body>) -> anyhow::Result<(StatusCode, String)> {
    let (parts, body) = router(WebDeps { api: canned::api() }).oneshot(request).await?.into_parts();
    Ok((parts.status, String::from_utf8(to_bytes(body, 4 << 20).await?.into())?))
}

/// The values of an attribute, in the order of the page.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// What is wrong with the page, in words.
fn faults(path: &str, html: &str, lang: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !html.contains(&format!("<html lang=\"{lang}\">")) {
        faults.push("is not in its language".to_owned());
    }
    let headings = html.matches("<h1").count();
    if headings != 1 && !path.starts_with("/embed/") {
        faults.push(format!("has {headings} main headings"));
    }
    let mut ids = BTreeSet::new();
    for id in values(html, "id") {
        if !ids.insert(id) {
            faults.push(format!("has the id {id} twice"));
        }
    }
    for attribute in ["for", "aria-labelledby", "aria-describedby", "list"] {
        for id in values(html, attribute).into_iter().filter(|id| !ids.contains(id)) {
            faults.push(format!("has {attribute}={id}, which is nothing"));
        }
    }
    for href in values(html, "href").into_iter().chain(values(html, "src")).filter(|href| href.starts_with("http")) {
        if !href.starts_with("https://example.org") {
            faults.push(format!("refers to {href}"));
        }
    }
    if html.contains(" style=\"") {
        faults.push("has inline styles, which the browser refuses".to_owned());
    }
    faults
}

#[tokio::test]
async fn every_page_holds_together_in_every_language() -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    let of_members = PAGES.iter().map(|path| (path, "preview=1"));
    for (path, cookie) in of_members.chain(GUEST_PAGES.iter().map(|path| (path, ""))) {
        for lang in ["en", "de"] {
            let request = Request::get(*path).header("host", "tv.example").header("cookie", cookie);
            let (status, html) = page(request.header("accept-language", lang).body(Body::empty())?).await?;
            if status != StatusCode::OK {
                wrong.push(format!("{path} ({lang}): {status}"));
                continue;
            }
            wrong.extend(faults(path, &html, lang).iter().map(|fault| format!("{path} ({lang}) {fault}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Path, fields and what the page then says next to them.
const REFUSED: &[(&str, &str, &str)] = &[
    ("/signup", "_call=POST+signup&_form=signup&username=ada&password:secret=x", "This name is taken."),
    ("/login", "_call=POST+login&_form=login&username=demo&password:secret=wrong", "User name or password is wrong."),
    ("/login", "_call=POST+login&_form=login&username=demo&password:secret=second", "Second factor"),
    ("/login", "_call=POST+login/second&_form=second&code:secret=1", "The code is wrong."),
    ("/admin/settings", "_call=PUT+admin/settings&_form=instance&ladder=4kp", "“4kp” is no quality"),
    (
        "/dashboard/demo/people",
        "_call=PUT+channels/demo/staff/{username}&_form=helper&username:path=x&role=editor",
        "There is no such user.",
    ),
    (
        "/dashboard/demo/schedule",
        "_call=POST+channels/demo/schedule&_form=entry&time_zone=x",
        "There is no time zone of this name.",
    ),
    (
        "/dashboard/demo/chat/rules",
        "_call=POST+channels/demo/chat/terms&_form=term&text=(&pattern:bool=on&deed=block",
        "unclosed group",
    ),
    ("/demo", "_call=POST+channels/demo/chat/messages&_form=say&text=hi", "wait for 12 s"),
];

async fn post(path: &str, cookie: &str, fields: &'static str) -> anyhow::Result<(StatusCode, String)> {
    let request = Request::post(path).header("host", "tv.example").header("cookie", cookie);
    page(request.header("content-type", "application/x-www-form-urlencoded").body(fields.into())?).await
}

#[tokio::test]
async fn a_refusal_stands_on_the_page_of_its_form() -> anyhow::Result<()> {
    for (path, fields, says) in REFUSED {
        let cookie = if path.starts_with("/login") || path.starts_with("/signup") { "" } else { "preview=1" };
        let (status, html) = post(path, cookie, fields).await?;
        assert!(status.is_client_error(), "{path}: {status}");
        assert!(html.contains(says), "{path} does not say: {says}");
        assert_eq!(faults(path, &html, "en"), Vec::<String>::new(), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_shown_once_is_shown() -> anyhow::Result<()> {
    for (path, fields, says) in [
        ("/settings/tokens", "_call=POST+me/tokens&_form=token&_once=1&name=x", "rvt_preview"),
        ("/settings/security", "_call=POST+me/totp&_form=totp&_once=1", "JBSWY3DPEHPK3PXP"),
        ("/settings/security", "_call=PUT+me/totp&_form=totp-confirm&_once=1&code=1", "3k9d-72mq"),
        ("/dashboard/demo/keys", "_call=POST+channels/demo/keys/k1/rotate&_form=rotate-k1&_once=1", "preview-key-"),
        ("/dashboard/demo/webhooks", "_call=POST+channels/demo/webhooks&_form=webhook&_once=1&url=x", "whsec_preview"),
        ("/dashboard/demo/webhooks/w1", "_call=POST+channels/demo/webhooks/w1/test&_form=test&_once=1", "312 ms"),
        ("/admin/sign-ups", "_call=POST+admin/invites&_form=invite&_once=1&uses:number=1", "signup?invite=preview"),
    ] {
        let (status, html) = post(path, "preview=1", fields).await?;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(html.contains(says), "{path} does not show {says}");
    }
    Ok(())
}

#[tokio::test]
async fn a_feed_is_xml_with_a_broadcast_in_it() -> anyhow::Result<()> {
    let request = Request::get("/demo/feed.xml").header("host", "tv.example");
    let (status, feed) = page(request.body(Body::empty())?).await?;
    assert_eq!(status, StatusCode::OK);
    assert!(feed.starts_with("<?xml"));
    assert!(feed.contains("<link>http://tv.example/demo</link>"));
    assert_eq!(feed.matches("<item>").count(), 4);
    Ok(())
}
