"""A small app around the real page, the real WebChat and a real SQLite file; only the bot's words are scripted."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from aiohttp import web
from PIL import Image, ImageDraw, ImageFont
from sqlmodel import SQLModel, col, delete, select

from bot.core.clock import SHANGHAI, ShiftedClock
from bot.core.errors import StorageBusy
from bot.core.messages import Button, Incoming, Kind, Line, Message, good, hint, quote, say, strong, warn
from bot.platforms.web import WebChat
from bot.web.chat import Chat, Persona, add_routes
from storage.database import Database
from storage.models import ChatLine, Department, Person, Picture

MONDAY = datetime(2026, 11, 23, 9, 7, tzinfo=SHANGHAI)

CAST = [
    Persona(1, "林晓", "learner", "学员", "信用卡中心客服，今天有一道题等着她"),
    Persona(2, "王建国", "manager", "主管", "投诉处理组组长，周一早上看周榜"),
    Persona(3, "周敏", "trainer", "培训师", "排课程，看大家卡在哪一步"),
    Persona(4, "赵磊", "operator", "运维", "看消息有没有送到、系统稳不稳"),
]

CHALLENGE = say(
    hint("诉求未满足 · 约 3 分钟"),
    "你是信用卡中心投诉专席，今天 11 月 23 日。唐女士开面馆，持卡七年。她列的 5800 元里，三次账单分期手续费 4860 元"
    "（办理时页面和短信都有费率确认记录）、两次晚还的违约金和利息 640 元、一次年费 300 元。",
    strong("唐女士说："),
    quote(
        "你们这卡我用了七年，光手续费利息就扣了我五千八！人家网上都说了，这些钱全是乱收的，一分不少都能要回来。"
        "我起早贪黑卖几碗面容易吗？今天你就给我全退，少一毛我都不干！"
    ),
    strong("你会怎么接？像平时说话那样，直接打字发来。"),
    hint("今天 18:00 前都算。现在打字就是作答；要查话术，打“话术 关键词”。"),
    title="今日一题｜开口就要退全部费用",
    buttons=(Button("帮助", "帮助"), Button("今天请假", "请假")),
)

REVIEW = say(
    "底子很好，再往前一小步就是优秀。",
    good("先跟：「您挣的都是辛苦钱，突然看到扣了这么多」"),
    "○ 后带：还没看到",
    good("顺耳解释：「分期手续费当时确认过费率，这个退不了」"),
    good("双赢方案：「年费三百我可以马上给您申请退，五个工作日到账」"),
    "△ 表达：「请您理解」，有这个意思，还可以更实",
    strong("最值得补的一步：后带"),
    "从“全退”带到“一笔一笔看”，用提问让她选先办哪件。",
    "比如：“咱们一笔一笔对，您想先看哪一笔？”",
    hint("自动评分，仅供练习参考。觉得不对可以发“申诉”。"),
    title="点评｜良好 · 75 分",
)

MODELS = say(
    strong("可以这样接"),
    quote(
        "唐女士，五千八，得起多少个大早才挣得回来，您想要个明白，这太应该了。我把这笔钱摊开跟您说：年费三百我现在就申请退，"
        "五个工作日到账；两次晚还那六百四，我给您提交减免复核，十八号前打电话告诉您结果，能不能减要看审核，我不敢先打包票。"
        "分期那四千八百六，办的时候页面和短信都确认过费率，已经收的退不了，不过还没到期的那笔可以提前结清，后面的手续费就"
        "省下来了。逐笔明细我这就发您，咱们先看哪一笔？"
    ),
    good("用她的面馆和五千八说话，她知道你听进去了"),
    good("能退的当场办、要审的给时间、不能退的说清原因，三样分得明明白白"),
    strong("别这样接"),
    quote("网上那些视频都是骗流量的，您别信。分期是您自己点的，合同写得清清楚楚，手续费一分都不可能退。"),
    warn("开口先否定她的依据，她会觉得你在骂她傻"),
    warn("“您自己点的”是指责，能申请的年费和能复核的晚还一样没提"),
    strong("带走一招"),
    "客户说“全退”时，先把一个大数拆成几笔小账。能办的先办，她手里有了进展，才听得进“这笔退不了”。",
    title="对照着看",
    buttons=(Button("再答一次", "再答"), Button("下一题", "今日"), Button("我的", "我的")),
)

RED_LINE = say(
    "这句真说出口会有麻烦，好在这里可以重来。",
    warn("红线：承诺办不到的事。你说的是「五千八我做主给您全部退回」，踩到它，其他再好也只能到“重来”。"),
    hint("相关规定：《银行保险机构消费者权益保护管理办法》（2023-03-01 起施行）"),
    "可以说：我先帮您提交，结果以审核为准，几号前一定给您回话。",
    title="点评｜重来 · 10 分",
    buttons=(Button("再答一次", "再答"),),
)

HELP = say(
    "可以这样跟我说：",
    "话术 加关键词，例如“话术 退费”\n我的，看自己的进步\n暂停、请假、恢复\n撤回，两分钟内收回刚才的回答",
    hint("有题的时候，直接打字就是回答。"),
    buttons=(Button("我的", "我的"), Button("查退费的话术", "话术 退费")),
)

BOARD = say(
    "上周 28 人里 24 人答了题，比前一周多 3 人。",
    strong("按小组"),
    "催收一组　参与 92%　进步 +4\n投诉处理组　参与 86%　进步 +6\n网点服务组　参与 71%　进步 +1",
    good("进步最多：投诉处理组，平均多了 6 分"),
    warn("全队都差一点的是“后带”，晨会可以练这一条"),
    hint("11月16日至20日 · 休假的人不算 · 不足 5 人的小组不排"),
    title="周榜｜信用卡中心 第 47 周",
    buttons=(Button("看团队", "团队"), Button("晨会用哪题", "晨会")),
)


def board_png() -> bytes:
    """A plausible board as a picture."""
    image = Image.new("RGB", (720, 420), "#ffffff")
    draw = ImageDraw.Draw(image)
    path = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
    font = ImageFont.truetype(str(path), 26) if path.exists() else ImageFont.load_default(26)
    for place, (name, share) in enumerate([("催收一组", 92), ("投诉处理组", 86), ("网点服务组", 71), ("证券柜台", 64)]):
        top = 40 + place * 90
        draw.text((32, top), name, "#1b2528", font)
        draw.rounded_rectangle((200, top + 2, 200 + share * 4, top + 36), 8, "#14696b")
        draw.text((216 + share * 4, top), f"{share}%", "#566468", font)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class ScriptedDemo:
    """A demo whose jumps can be made slow or impossible."""

    clock: ShiftedClock
    bot: ScriptedBot
    jumps: list[str] = field(default_factory=list)
    slow: float = 0.0
    broken: bool = False

    async def cast(self) -> list[Persona]:
        return CAST

    def now(self) -> datetime:
        return self.clock.now()

    async def jump(self, to: Literal["tomorrow", "monday"]) -> datetime:
        self.jumps.append(to)
        await asyncio.sleep(self.slow)
        if self.broken:
            raise StorageBusy
        days = 1 if to == "tomorrow" else 7 - self.now().astimezone(SHANGHAI).weekday()
        there = self.now().astimezone(SHANGHAI).replace(hour=9, minute=12) + timedelta(days=days)
        self.clock.jump_to(there)
        await self.bot.tell(1, replace(CHALLENGE, title=f"今日一题｜{there.month}月{there.day}日"))
        if to == "monday":
            await self.bot.tell(2, replace(BOARD, picture=1))
        return there


@dataclass
class ScriptedBot:
    """What the dispatcher would do, from a table; answers arrive as deliveries do, a moment later."""

    platform: WebChat
    heard: list[Incoming] = field(default_factory=list)
    busy: int = 0
    pause: float = 0.05
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def receive(self, incoming: Incoming) -> tuple[Message, ...]:
        if self.busy:
            self.busy -= 1
            raise StorageBusy
        if incoming.key in {earlier.key for earlier in self.heard}:
            return ()
        self.heard.append(incoming)
        task = asyncio.create_task(self._answer(incoming))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return ()

    async def _answer(self, incoming: Incoming) -> None:
        await asyncio.sleep(self.pause)
        for message in self._answers(incoming):
            await self.tell(int(incoming.sender), message)

    def _answers(self, incoming: Incoming) -> tuple[Message, ...]:
        if incoming.kind is Kind.ENTER:
            before = [each.kind for each in self.heard if each.sender == incoming.sender and each is not incoming]
            return (CHALLENGE,) if incoming.sender == "1" and Kind.ENTER not in before else ()
        if "全部退回" in incoming.text:
            return (RED_LINE,)
        if "辛苦钱" in incoming.text:
            return REVIEW, MODELS
        table = {"帮助": HELP, "周榜": replace(BOARD, picture=1), "安静": None}
        answer = table.get(incoming.text, say(Line(f"收到：{incoming.text}")))
        return () if answer is None else (answer,)

    async def tell(self, person: int, message: Message) -> None:
        for payload in self.platform.render(message):
            await self.platform.send([str(person)], payload)

    @property
    def texts(self) -> list[str]:
        return [incoming.text for incoming in self.heard if incoming.kind is Kind.TEXT]


@dataclass
class ScriptedApp:
    """The page's server; `stop` and `start` keep the port, so that a page finds it again."""

    database: Database
    clock: ShiftedClock
    platform: WebChat
    bot: ScriptedBot
    demo: ScriptedDemo
    chat: Chat
    port: int = 0
    runner: web.AppRunner | None = None

    @classmethod
    async def create(cls, folder: Path) -> ScriptedApp:
        database = Database(f"sqlite:///{folder / 'chat.db'}")
        async with database.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        clock = ShiftedClock()
        clock.jump_to(MONDAY)
        async with database.transaction() as tx:
            tx.add(Department(id=1, name="信用卡中心", path="/1/"))
            await tx.flush()
            tx.add_all(Person(id=who.id, name=who.name, department_id=1, created_at=clock.now()) for who in CAST)
            tx.add(Picture(id=1, name="board", png=board_png(), created_at=clock.now()))
        platform = WebChat(database, clock)
        bot = ScriptedBot(platform)
        demo = ScriptedDemo(clock, bot)
        return cls(database, clock, platform, bot, demo, Chat(database, platform, clock, bot.receive, demo))

    async def start(self) -> None:
        app = web.Application()
        add_routes(app, self.chat)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await self.platform.start()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner:
            await self.runner.cleanup()
            self.runner = None

    async def close(self) -> None:
        await self.stop()
        await asyncio.gather(*self.bot.tasks)
        await self.database.close()

    async def forget(self) -> None:
        """Empty the conversations, ids starting anew, as a rebuilt demo would."""
        async with self.database.transaction() as tx:
            await tx.execute(delete(ChatLine))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stored(self, person: int, *, mine: bool) -> list[str]:
        """The plain texts of a person's lines."""
        query = select(ChatLine).where(ChatLine.person_id == person, ChatLine.mine == mine).order_by(col(ChatLine.id))
        async with self.database.reading() as tx:
            return [Message.from_json(row.message).plain for row in (await tx.execute(query)).scalars()]
