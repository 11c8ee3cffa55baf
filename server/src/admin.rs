//! `rivulet admin`: what the first person of an instance does from a terminal. Answers go to
//! standard output, secrets alone on their line.

use crate::config::Storage;
use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::{Role, Scope};
use rivulet_store::{AccessToken, Store, StoreError, password};
use std::io::BufRead;

#[derive(Subcommand)]
pub enum Task {
    /// Users
    #[command(subcommand)]
    User(User),
    /// Channels
    #[command(subcommand)]
    Channel(Channel),
    /// Stream keys
    #[command(subcommand)]
    Key(Key),
    /// Access tokens
    #[command(subcommand)]
    Token(Token),
}

#[derive(Clone, Copy, ValueEnum)]
pub enum RoleName {
    Viewer,
    Moderator,
    Admin,
}

#[derive(Subcommand)]
pub enum User {
    /// Create a user; the password is read from standard input
    Create {
        name: String,
        #[arg(long, value_enum, default_value = "viewer")]
        role: RoleName,
    },
}

#[derive(Subcommand)]
pub enum Channel {
    /// Create a channel; prints its stream key, once
    Create {
        name: String,
        #[arg(long)]
        owner: String,
    },
}

#[derive(Subcommand)]
pub enum Key {
    /// Replace a channel's stream key; prints the new one, once
    Rotate { channel: String },
}

#[derive(Subcommand)]
pub enum Token {
    /// Make an access token; prints it, once
    Create {
        user: String,
        /// Such as chat:read,chat:write
        #[arg(long, value_delimiter = ',', required = true, value_parser = scope)]
        scopes: Vec<Scope>,
        /// What the list of tokens calls it
        #[arg(long, default_value = "Made from a terminal")]
        name: String,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    Scope::parse(text).ok_or_else(|| format!("write some of {}", all.join(", ")))
}

pub fn run(task: Task, storage: Storage) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&storage.database()).await?;
        perform(task, &store).await
    })
}

async fn perform(task: Task, store: &Store) -> anyhow::Result<()> {
    let now = rivulet_hub::clock::now_ms();
    match task {
        Task::User(User::Create { name, role }) => {
            let parsed = ChannelName::parse(&name).with_context(|| format!("user {name:?}"))?;
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
            let secret = line.trim_end_matches(['\r', '\n']);
            password::check(secret)?;
            let hash = password::hash(secret).await?;
            let role = match role {
                RoleName::Viewer => Role::Viewer,
                RoleName::Moderator => Role::Moderator,
                RoleName::Admin => Role::Admin,
            };
            store.create_user(&parsed, &hash, role, now).await.map_err(|e| taken(e, "user", &name))?;
            println!("created user {parsed}");
        }
        Task::Channel(Channel::Create { name, owner }) => {
            let parsed = ChannelName::parse(&name).with_context(|| format!("channel {name:?}"))?;
            let Some((owner, _)) = store.user_by_name(&owner.to_ascii_lowercase()).await? else {
                bail!("there is no user {owner:?}; create it first: rivulet admin user create {owner}");
            };
            let channel = store.create_channel(&parsed, &owner.id, parsed.as_str(), now).await;
            let channel = channel.map_err(|e| taken(e, "channel", &name))?;
            println!("{}", store.rotate_key(&channel.id, now).await?.1.reveal());
        }
        Task::Token(Token::Create { user, scopes, name }) => {
            let Some((user, _)) = store.user_by_name(&user.to_ascii_lowercase()).await? else {
                bail!("there is no user {user:?}; create it first: rivulet admin user create {user}");
            };
            let token = AccessToken::generate();
            store.add_access_token(&user.id, &token.hash(), &name, &scopes, now, None).await?;
            println!("{}", token.reveal());
        }
        Task::Key(Key::Rotate { channel: name }) => {
            let Some(channel) = store.channel_by_name(&name.to_ascii_lowercase()).await? else {
                bail!(
                    "there is no channel {name:?}; create it first: rivulet admin channel create {name} --owner USER"
                );
            };
            println!("{}", store.rotate_key(&channel.id, now).await?.1.reveal());
        }
    }
    Ok(())
}

fn taken(error: StoreError, kind: &str, name: &str) -> anyhow::Error {
    match error {
        StoreError::Taken => anyhow::anyhow!("{kind} {name:?} exists already"),
        other => other.into(),
    }
}
