"""The words and figures of the contract, Chinese and English side by side."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Bilingual:
    """The same statement twice."""

    chinese: str
    english: str


@dataclass(frozen=True, slots=True)
class Article:
    """A title and its clauses. ``table_after`` is the number of clauses before the table of goods, or None."""

    title: Bilingual
    clauses: tuple[Bilingual, ...]
    table_after: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the table of goods. The price is in yuan."""

    description: Bilingual
    quantity: int
    unit: Bilingual
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        """Quantity times unit price, in yuan."""
        return self.quantity * self.unit_price


TITLE: Final = Bilingual("买卖合同", "SALES CONTRACT")
NUMBER: Final = "2026-1117"

PARTIES: Final = (
    (
        Bilingual("卖方", "Seller"),
        Bilingual("Alice，细木工匠，住浙江省杭州市", "Alice, cabinetmaker, of Hangzhou, Zhejiang"),
    ),
    (
        Bilingual("买方", "Buyer"),
        Bilingual("Bob，民宿经营者，住浙江省湖州市", "Bob, guesthouse keeper, of Huzhou, Zhejiang"),
    ),
)

PREAMBLE: Final = Bilingual(
    "卖方按买方看过并认可的样品，制作并出售本合同所列家具；买方购买该批家具并支付价款。双方经平等协商，订立本合同。",
    "The Seller makes and sells the furniture listed below, to the sample that the Buyer has seen and approved; the "
    "Buyer buys it and pays its price. The parties have negotiated as equals and agree as follows.",
)

ITEMS: Final = (
    Item(
        Bilingual("餐桌，黑胡桃木，2200×950×750 毫米", "Dining table, black walnut, 2200×950×750 mm"),
        4,
        Bilingual("张", "pcs"),
        Decimal("14800.00"),
    ),
    Item(
        Bilingual("餐椅，黑胡桃木，牛皮座面", "Dining chair, black walnut, leather seat"),
        24,
        Bilingual("把", "pcs"),
        Decimal("2350.00"),
    ),
    Item(
        Bilingual("长凳，黑胡桃木，1800×380×450 毫米", "Bench, black walnut, 1800×380×450 mm"),
        4,
        Bilingual("条", "pcs"),
        Decimal("2900.00"),
    ),
    Item(
        Bilingual("餐边柜，黑胡桃木，1600×450×820 毫米", "Sideboard, black walnut, 1600×450×820 mm"),
        2,
        Bilingual("个", "pcs"),
        Decimal("9600.00"),
    ),
)

TOTAL: Final = Decimal("146400.00")
TOTAL_IN_WORDS: Final = Bilingual(
    "人民币壹拾肆万陆仟肆佰元整",
    "One hundred and forty-six thousand four hundred yuan",
)

ARTICLES: Final = (
    Article(
        Bilingual("标的物", "Goods"),
        (
            Bilingual(
                "卖方出售、买方购买下表所列家具（下称“货物”）：",
                "The Seller sells and the Buyer buys the following furniture (the “Goods”):",
            ),
            Bilingual(
                "货物以实木制作，榫卯结构，植物油涂饰，木材出厂含水率为 8% 至 12%。木纹与色泽的天然差异不属于瑕疵。",
                "The Goods are of solid wood, joined by mortise and tenon and finished with plant oil; the wood "
                "leaves the workshop with a moisture content of 8% to 12%. Natural differences of grain and colour "
                "are no defect.",
            ),
            Bilingual(
                "货物应当符合交付时有效的强制性国家标准以及双方各执一件的样椅。",
                "The Goods shall meet the mandatory national standards in force on delivery, and the sample chairs "
                "of which each party keeps one.",
            ),
        ),
        table_after=1,
    ),
    Article(
        Bilingual("价款与支付", "Price and payment"),
        (
            Bilingual(
                "合同总价为人民币 146,400.00 元，包含税费、包装、运输、卸货和安装费用，固定不变。",
                "The price is CNY 146,400.00 in total. It includes taxes, packing, carriage, unloading and "
                "assembly, and is fixed.",
            ),
            Bilingual(
                "买方分三期支付：合同生效后三日内支付 20%，即 29,280.00 元，作为定金；收到备货通知后五日内支付 50%，"
                "即 73,200.00 元；验收合格后七日内支付 30%，即 43,920.00 元。定金抵作价款。",
                "The Buyer pays in three instalments: 20%, CNY 29,280.00, as a deposit within three days after this "
                "contract takes effect; 50%, CNY 73,200.00, within five days after notice that the Goods are ready; "
                "and 30%, CNY 43,920.00, within seven days after acceptance. The deposit counts towards the price.",
            ),
            Bilingual(
                "价款汇入卖方书面指定的账户。变更账户的通知，须附有卖方用签署本合同的同一密钥作出的电子签名，否则无"
                "效。",
                "Payment is made to the account that the Seller names in writing. A notice that changes the account "
                "is valid only with the Seller’s electronic signature by the same key that signs this contract.",
            ),
        ),
    ),
    Article(
        Bilingual("交付", "Delivery"),
        (
            Bilingual(
                "卖方应当在 2027 年 3 月 31 日前，将全部货物运至浙江省德清县莫干山镇买方的民宿并安装完毕。分批交付须"
                "经买方书面同意。",
                "The Seller delivers and assembles all of the Goods at the Buyer’s guesthouse in Moganshan Town, "
                "Deqing County, Zhejiang, by 31 March 2027. Delivery in parts needs the Buyer’s written consent.",
            ),
            Bilingual(
                "卖方应当至少提前五日通知送货日期；买方应当保证当日道路通畅、安装场地清空。",
                "The Seller announces the day of delivery at least five days ahead. On that day the Buyer keeps the "
                "way open and the place of assembly clear.",
            ),
            Bilingual(
                "货物毁损、灭失的风险自安装完毕、双方签署交接单时起由买方承担。买方付清全部价款时取得货物的所有权。",
                "Risk passes to the Buyer when assembly is complete and both parties have signed the delivery note. "
                "Title passes when the price has been paid in full.",
            ),
        ),
    ),
    Article(
        Bilingual("检验", "Inspection"),
        (
            Bilingual(
                "买方应当在交付当日清点数量、检查外观，并在交接单上记明短缺和可见损坏。",
                "On the day of delivery the Buyer counts the Goods, examines their appearance, and notes shortages "
                "and visible damage on the delivery note.",
            ),
            Bilingual(
                "买方应当在交付后十五日内检验尺寸、结构和含水率，并将不符之处通知卖方。期满未通知的，视为验收合格；"
                "隐蔽瑕疵适用第五条。",
                "Within fifteen days after delivery the Buyer examines dimensions, joints and moisture content and "
                "reports what does not conform. Without a report in that time the Goods are accepted; for hidden "
                "defects Article 5 applies.",
            ),
            Bilingual(
                "双方对检验结果有争议的，共同委托有资质的检验机构鉴定，费用由鉴定结论不利的一方承担。",
                "If the parties disagree about the result, they jointly appoint a qualified inspection body. The "
                "party against which it finds bears the cost.",
            ),
        ),
    ),
    Article(
        Bilingual("质量保证", "Warranty"),
        (
            Bilingual(
                "质量保证期为交付后二十四个月。保证期内出现开裂、榫卯松动或者变形超过 2 毫米/米的，卖方应当在收到通"
                "知后二十日内免费修理；修理不成的，予以更换或者减少价款，由买方选择。",
                "The warranty runs for twenty-four months from delivery. Where in that time wood cracks, a joint "
                "loosens or a part warps by more than 2 mm per metre, the Seller repairs it free of charge within "
                "twenty days after notice. Where repair fails, the Seller replaces the part or reduces the price, "
                "as the Buyer chooses.",
            ),
            Bilingual(
                "因室内相对湿度长期低于 35% 或者高于 70%、使用不当或者第三人改动造成的损坏，不在保证范围内。",
                "Damage by lasting indoor humidity below 35% or above 70%, by improper use, or by changes that "
                "others have made is not covered.",
            ),
        ),
    ),
    Article(
        Bilingual("违约责任", "Liability"),
        (
            Bilingual(
                "卖方逾期交付或者买方逾期付款的，每逾期一日，按逾期部分价款的 0.05% 支付违约金，总额不超过合同总价的"
                " 10%。",
                "A party that delivers or pays late owes 0.05% of the price of the late part for each day of delay, "
                "at most 10% of the total price.",
            ),
            Bilingual(
                "一方逾期超过三十日，经催告后十日内仍未履行的，另一方可以解除合同。因买方原因解除的，定金不予返还；"
                "因卖方原因解除的，卖方双倍返还定金。",
                "Where a party is more than thirty days late and does not perform within ten days after a reminder, "
                "the other may terminate. If the Buyer is the cause, the deposit is forfeited; if the Seller is the "
                "cause, the Seller returns twice the deposit.",
            ),
            Bilingual(
                "违约金或者定金不足以弥补实际损失的，违约方应当补足差额，但赔偿总额不超过合同总价；故意或者重大过失"
                "造成的损失，以及人身损害，不受此限。",
                "Where late-performance damages or the deposit do not cover the actual loss, the party in breach "
                "makes up the difference, up to the total price. The limit does not apply to intent, gross "
                "negligence or personal injury.",
            ),
        ),
    ),
    Article(
        Bilingual("不可抗力", "Force majeure"),
        (
            Bilingual(
                "因不可抗力不能履行的一方应当在三日内通知对方，并提供证明；履行期限相应顺延。持续超过六十日的，任何"
                "一方可以解除合同，已付款项按未交付部分返还。",
                "A party that force majeure keeps from performing tells the other within three days and gives "
                "proof; its time is extended accordingly. After sixty days either party may terminate, and what was "
                "paid for Goods not delivered is returned.",
            ),
        ),
    ),
    Article(
        Bilingual("通知与电子签名", "Notices and electronic signatures"),
        (
            Bilingual(
                "本合同以电子文件订立，由双方各自以可靠的电子签名签署。电子签名由签署人的设备与签名服务共同生成，任"
                "何一方单独均不能生成。",
                "This contract is made as an electronic document and signed by each party with a reliable "
                "electronic signature. The signer’s device and a signing service make that signature together; "
                "neither can make it alone.",
            ),
            Bilingual(
                "双方保存的电子文件均为原件，其内容以签名所覆盖的文件为准。",
                "The electronic copies kept by the parties are originals. What they say is what the signatures cover.",
            ),
            Bilingual(
                "签署人怀疑密钥被他人使用的，应当立即通知对方并停用该密钥；通知到达前作出的签名，由签署人负责。",
                "A signer who suspects that somebody else uses the key tells the other party at once and disables "
                "the key. The signer answers for signatures made before the notice arrives.",
            ),
        ),
    ),
    Article(
        Bilingual("法律适用与争议解决", "Law and disputes"),
        (
            Bilingual(
                "本合同适用中华人民共和国法律。争议由双方协商解决；三十日内协商不成的，任何一方可以向货物交付地有管"
                "辖权的人民法院起诉。",
                "The law of the People’s Republic of China applies. The parties settle disputes by negotiation; "
                "failing that within thirty days, either may sue in the competent people’s court at the place of "
                "delivery.",
            ),
        ),
    ),
    Article(
        Bilingual("其他", "Other terms"),
        (
            Bilingual(
                "本合同自双方均签署之日起生效。变更和补充须以书面形式作出，并由双方签署。",
                "This contract takes effect on the day on which both parties have signed. Changes and additions are "
                "made in writing and signed by both.",
            ),
            Bilingual(
                "本合同以中文和英文书写，两种文本具有同等效力；不一致时，以中文文本为准。",
                "This contract is written in Chinese and English. Both texts are authentic; where they differ, the "
                "Chinese text prevails.",
            ),
            Bilingual(
                "任何一方未经对方书面同意，不得转让本合同的权利义务；一方知悉的对方个人信息，只可用于履行本合同。",
                "Neither party assigns rights or duties without the other’s written consent. What a party learns of "
                "the other’s personal data it uses for this contract only.",
            ),
        ),
    ),
)

SIGNATURES: Final = (
    (Bilingual("卖方（签名）", "Seller (signature)"), "Alice"),
    (Bilingual("买方（签名）", "Buyer (signature)"), "Bob"),
)
